/** What TCP matchers see of a connection. Before anything is read of it, or where it is not TLS, only its peer is known. */
export interface ConnectionFacts {
  /** As the client asked for it, in lower case; "" when it named none. */
  readonly serverName: string;
  /** What the client offers, as sent. */
  readonly alpnProtocols: readonly string[];
  /** As text without zone. */
  readonly peerAddress: string;
}

export type TcpPredicate = (facts: ConnectionFacts) => boolean;

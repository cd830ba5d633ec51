import { compareWithSslRequest, sslRequest } from "../tcp/postgres-request.ts";
import { ClientHelloReader, type HelloFacts, handshakeRecord } from "./client-hello.ts";

/** What a connection turns out to be. */
export type Opening =
  | { readonly kind: "incomplete" }
  /** It begins like TLS and goes on otherwise. */
  | { readonly kind: "malformed" }
  | { readonly kind: "plain" }
  /** A Postgres client waits to be let into TLS, and nothing but that may follow; `rest` is what it has not waited with. */
  | { readonly kind: "sslRequest"; readonly rest: Buffer }
  | ({ readonly kind: "tls" } & HelloFacts);

/** No TLS record is of this type, and an SSLv2 hello begins with the high bit of a length below 256. */
const sslV2 = 0x80;

const incomplete: Opening = { kind: "incomplete" };
const malformed: Opening = { kind: "malformed" };
const plain: Opening = { kind: "plain" };
const anonymousTls: Opening = { kind: "tls", serverName: "", alpnProtocols: [] };

/**
 * Tells by its first bytes what a connection is. The answer depends on the bytes alone and not on how they are cut into
 * segments: it is given at the first byte after which there is no other.
 */
export class OpeningReader {
  readonly #answersPostgres: boolean;
  #hello: ClientHelloReader | undefined;
  /** The beginning of what may be an `SSLRequest`. */
  #head: Buffer | undefined;

  constructor(answersPostgres: boolean) {
    this.#answersPostgres = answersPostgres;
  }

  /** What follows the bytes before; not empty. Only after `incomplete` and `sslRequest` there may be more. */
  push(bytes: Buffer): Opening {
    if (this.#hello !== undefined) return openingOf(this.#hello.push(bytes));
    const head = this.#head === undefined ? bytes : Buffer.concat([this.#head, bytes]);
    if (head[0] === handshakeRecord) {
      this.#hello = new ClientHelloReader();
      return openingOf(this.#hello.push(head));
    }
    if (head[0] === sslV2) return anonymousTls;
    if (!this.#answersPostgres) return plain;
    switch (compareWithSslRequest(head)) {
      case "no":
        return plain;
      case "partly":
        this.#head = head;
        return incomplete;
      case "whole":
        this.#hello = new ClientHelloReader();
        return { kind: "sslRequest", rest: head.subarray(sslRequest.length) };
    }
  }
}

function openingOf(hello: ReturnType<ClientHelloReader["push"]>): Opening {
  switch (hello.kind) {
    case "incomplete":
      return incomplete;
    case "malformed":
      return malformed;
    case "complete": {
      const { serverName, alpnProtocols } = hello;
      return { kind: "tls", serverName, alpnProtocols };
    }
  }
}

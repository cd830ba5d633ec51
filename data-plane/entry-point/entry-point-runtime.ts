import { BlockList, isIPv6, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Logger } from "../../foundation/log.ts";
import type { EntryPoint } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { ConnectionSet } from "../connection/connection-set.ts";
import type { DeadlineSweeper } from "../connection/deadline-sweeper.ts";
import type { HandlerCell } from "../http/http-exchange.ts";
import { type ConnectionKind, Http1Connection } from "../http/http1-connection.ts";
import { Http2Connection } from "../http2/http2-connection.ts";
import type { RequestCounters } from "../metrics/request-counters.ts";

export interface EntryPointRuntimeInit {
  readonly name: string;
  readonly settings: EntryPoint;
  /** Read for every request: what is switched in serves the next request of every open connection. */
  readonly handler: HandlerCell;
  /** The same for requests over TLS; absent: there are none. */
  readonly tlsHandler?: HandlerCell;
  readonly counters: RequestCounters;
  /** One per worker. */
  readonly sweeper: DeadlineSweeper;
  readonly log: Logger;
}

/** What every HTTP connection of one entry point in one worker shares. */
export class EntryPointRuntime {
  readonly name: string;
  readonly counters: RequestCounters;
  readonly sweeper: DeadlineSweeper;
  readonly log: Logger;
  readonly connections = new ConnectionSet();
  readonly #plain: ConnectionKind;
  readonly #tlsHandler: HandlerCell;
  #settings: EntryPoint;
  #trustedPeers: BlockList;
  #keptConnectionHeaders: readonly string[];

  constructor(init: EntryPointRuntimeInit) {
    const { name, settings, handler, tlsHandler = handler, counters, sweeper, log } = init;
    this.name = name;
    this.#plain = { handler, tlsOptions: "" };
    this.#tlsHandler = tlsHandler;
    this.counters = counters;
    this.sweeper = sweeper;
    this.log = log;
    this.#settings = settings;
    this.#trustedPeers = addressMatcher(settings.forwardedHeaders?.trustedIps ?? []);
    this.#keptConnectionHeaders = keptHeaders(settings);
  }

  get settings(): EntryPoint {
    return this.#settings;
  }

  /** Lower-case names that survive being named in `Connection`. */
  get keptConnectionHeaders(): readonly string[] {
    return this.#keptConnectionHeaders;
  }

  /** Changed settings hold for open connections too, from their next request on; trust is decided per connection. */
  updateSettings(settings: EntryPoint): void {
    this.#settings = settings;
    this.#trustedPeers = addressMatcher(settings.forwardedHeaders?.trustedIps ?? []);
    this.#keptConnectionHeaders = keptHeaders(settings);
  }

  isTrustedPeer(address: string): boolean {
    if (this.#settings.forwardedHeaders?.insecure === true) return true;
    return address !== "" && this.#trustedPeers.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  }

  /** Takes a plain connection over; the socket may be paused and have bytes waiting. */
  serve(socket: Socket): void {
    new Http1Connection(this, socket, this.#plain).start();
  }

  /** After its handshake. `tlsOptions`: those it was made with. */
  serveTls(socket: TLSSocket, tlsOptions: string): void {
    const kind = { handler: this.#tlsHandler, tlsOptions };
    if (socket.alpnProtocol === "h2") this.serveHttp2(socket, kind);
    else new Http1Connection(this, socket, kind).start();
  }

  serveHttp2(socket: Socket, kind: ConnectionKind): void {
    new Http2Connection(this, socket, kind).start();
  }

  /** Idle connections close at once, busy ones after their response; `graceMs` later the rest is cut. */
  drain(graceMs: number): Promise<void> {
    return this.connections.drain(graceMs);
  }
}

function keptHeaders(settings: EntryPoint): readonly string[] {
  return (settings.forwardedHeaders?.connection ?? []).map((name) => name.toLowerCase());
}

function addressMatcher(ranges: readonly string[]): BlockList {
  const matcher = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (prefix === undefined) matcher.addAddress(address, family);
    else matcher.addSubnet(address, Number(prefix), family);
  }
  return matcher;
}

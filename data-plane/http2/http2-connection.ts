/**
 * An HTTP/2 connection of a client. Frames, HPACK, flow control and what a client may send are nghttp2's (in Node), which
 * also ends connections that reset streams, ping or change settings too often; requests and responses are ours.
 */
import {
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { Logger } from "../../foundation/log.ts";
import type { TrackedConnection } from "../connection/connection-set.ts";
import { type DeadlineHolder, noDeadline } from "../connection/deadline-sweeper.ts";
import { peerAddressOf } from "../connection/peer-address.ts";
import { allowsUnderscores, completeRequest } from "../http/complete-request.ts";
import { ForwardedHeaders } from "../http/forwarded-headers.ts";
import type { HandlerCell } from "../http/http-exchange.ts";
import type { ConnectionKind, HttpEntryPoint } from "../http/http1-connection.ts";
import { parseRequestHead } from "../http/parse-request-head.ts";
import { applyTarget } from "../http/request-target.ts";
import { statusText } from "../http/status-text.ts";
import type { RequestCounters } from "../metrics/request-counters.ts";
import { Http2Exchange, type StreamOwner } from "./http2-exchange.ts";
import { requestText } from "./request-text.ts";

export class Http2Connection implements StreamOwner, TrackedConnection, DeadlineHolder {
  deadlineMs = noDeadline;
  readonly handler: HandlerCell;
  readonly #entryPoint: HttpEntryPoint;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #client: { readonly peerAddress: string; readonly tlsOptions: string };
  readonly #isPeerTrusted: boolean;
  readonly #forwarded: ForwardedHeaders;
  readonly #openedMs = performance.now();
  readonly #unused: Http2Exchange[] = [];
  #streams = 0;
  #requests = 0;

  constructor(entryPoint: HttpEntryPoint, socket: Socket, { handler, tlsOptions }: ConnectionKind) {
    this.#entryPoint = entryPoint;
    this.handler = handler;
    this.#socket = socket;
    const peerAddress = peerAddressOf(socket);
    this.#client = { peerAddress, tlsOptions };
    this.#isPeerTrusted = entryPoint.isTrustedPeer(peerAddress);
    this.#forwarded = new ForwardedHeaders(peerAddress, tlsOptions !== "");
    const { maxHeaderBytes, http2: limits } = entryPoint.settings;
    // Only Node's own server says that the handshake is over, and a session waits for that.
    Reflect.set(socket, "secureConnecting", false);
    this.#session = performServerHandshake(socket, {
      settings: {
        maxConcurrentStreams: limits?.maxConcurrentStreams || usualStreams,
        headerTableSize: limits?.maxDecoderHeaderTableBytes || usualTableBytes,
        maxHeaderListSize: maxHeaderBytes,
        enablePush: false,
      },
      maxDeflateDynamicTableSize: limits?.maxEncoderHeaderTableBytes || usualTableBytes,
      maxHeaderListPairs,
    });
  }

  get counters(): RequestCounters {
    return this.#entryPoint.counters;
  }

  get log(): Logger {
    return this.#entryPoint.log;
  }

  get httpDate(): string {
    return this.#entryPoint.sweeper.httpDate;
  }

  get writeTimeoutMs(): number {
    return this.#entryPoint.settings.writeTimeoutMs;
  }

  deadlineAfter(afterMs: number): number {
    return this.#entryPoint.sweeper.deadlineAfter(afterMs);
  }

  start(): void {
    const session = this.#session;
    session.on("error", ignore); // "close" follows
    session.on("close", () => this.#closed());
    session.on("stream", (stream, _headers, _flags, fields) => this.#begin(stream, fields));
    const { sweeper, connections, settings } = this.#entryPoint;
    sweeper.add(this);
    this.deadlineMs = sweeper.deadlineAfter(settings.readTimeoutMs);
    connections.add(this);
  }

  beginDrain(): void {
    this.#session.close();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Nothing is under way. */
  deadlinePassed(): void {
    this.#session.close();
  }

  streamClosed(exchange: Http2Exchange, isReusable: boolean): void {
    const { sweeper, settings } = this.#entryPoint;
    sweeper.delete(exchange);
    if (isReusable && this.#unused.length < maxUnused) this.#unused.push(exchange);
    this.#streams -= 1;
    if (this.#streams === 0) this.deadlineMs = sweeper.deadlineAfter(settings.idleTimeoutMs);
  }

  #begin(stream: ServerHttp2Stream, fields: readonly string[]): void {
    const { sweeper, settings } = this.#entryPoint;
    this.#streams += 1;
    this.deadlineMs = noDeadline;
    const exchange = this.#unused.pop() ?? new Http2Exchange(this, stream, this.#client);
    exchange.take(stream);
    sweeper.add(exchange);
    exchange.open(performance.now());
    exchange.method = "GET"; // until it is known: what is refused is counted too
    const status = this.#read(exchange, fields);
    this.#countRequest();
    if (status !== 0) {
      exchange.respond(status, `${status} ${statusText(status)}`);
      return;
    }
    const isBodyToCome = exchange.requestFraming !== "none";
    const timeoutMs = isBodyToCome ? settings.readTimeoutMs : settings.writeTimeoutMs;
    exchange.deadlineMs = sweeper.deadlineAfter(timeoutMs);
    if (exchange.head.path === "*") exchange.respond(200, "");
    else exchange.handle();
  }

  /** 0, or the status of the refusal. */
  #read(exchange: Http2Exchange, fields: readonly string[]): number {
    const { settings } = this.#entryPoint;
    const text = requestText(fields);
    if (typeof text === "number") return text;
    if (text.length > settings.maxHeaderBytes) return 431;
    const { head, requestHeaders } = exchange;
    head.reset(Buffer.from(text, "latin1"), 0, text);
    const length = parseRequestHead(head, requestHeaders, !this.#isPeerTrusted);
    if (length < 0) return -length;
    exchange.method = head.method;
    exchange.frameRequest();
    if (!applyTarget(head, settings, exchange)) return 400;
    if (!allowsUnderscores(exchange, settings, length)) return 400;
    completeRequest(exchange, this.#entryPoint, this.#forwarded, this.#isPeerTrusted);
    return 0;
  }

  /** Lets the connection end, behind the streams there are, when it is old or has served enough. */
  #countRequest(): void {
    const { keepAliveMaxRequests, keepAliveMaxTimeMs } = this.#entryPoint.settings;
    this.#requests += 1;
    const isUsedUp = keepAliveMaxRequests > 0 && this.#requests >= keepAliveMaxRequests;
    const isOld = keepAliveMaxTimeMs > 0 && performance.now() - this.#openedMs > keepAliveMaxTimeMs;
    if ((isUsedUp || isOld) && !this.#session.closed) this.#session.close();
  }

  #closed(): void {
    const { sweeper, connections } = this.#entryPoint;
    sweeper.delete(this);
    connections.delete(this);
    this.#socket.destroy();
  }
}

const usualStreams = 250;
const usualTableBytes = 4_096;
/** What a connection keeps of exchanges it has made. */
const maxUnused = 16;
/** Fields of one head; more end the stream (ENHANCE_YOUR_CALM). */
const maxHeaderListPairs = 1_000;

function ignore(): void {}

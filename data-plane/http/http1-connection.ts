/**
 * The client's side of an HTTP/1.1 connection: takes requests off the socket one at a time, in order, and keeps the
 * rules of keeping it open. While a request is under way at most one chunk of what follows is held, and the socket
 * stands still.
 */
import type { Socket } from "node:net";
import type { Logger } from "../../foundation/log.ts";
import {
  type EntryPoint,
  UnderscoreHeaders,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { ConnectionSet, TrackedConnection } from "../connection/connection-set.ts";
import {
  type DeadlineHolder,
  type DeadlineSweeper,
  noDeadline,
} from "../connection/deadline-sweeper.ts";
import { peerAddressOf } from "../connection/peer-address.ts";
import { adoptSocket, readTlsShared } from "../connection/shared-read-buffer.ts";
import type { RequestCounters } from "../metrics/request-counters.ts";
import { allowsUnderscores, completeRequest } from "./complete-request.ts";
import { ForwardedHeaders } from "./forwarded-headers.ts";
import { HeadBuffer } from "./head-buffer.ts";
import type { HeaderList } from "./header-list.ts";
import type { HandlerCell, TunnelEnd } from "./http-exchange.ts";
import { type ExchangeConnection, Http1Exchange } from "./http1-exchange.ts";
import { parseRequestHead } from "./parse-request-head.ts";
import { RequestBody } from "./request-body.ts";
import { applyTarget } from "./request-target.ts";
import { statusText } from "./status-text.ts";
import { allowedUpgrade } from "./upgrade-protocols.ts";

/** What connections share; see EntryPointRuntime. */
export interface HttpEntryPoint {
  readonly counters: RequestCounters;
  readonly settings: EntryPoint;
  readonly keptConnectionHeaders: readonly string[];
  readonly connections: ConnectionSet;
  readonly sweeper: DeadlineSweeper;
  readonly log: Logger;
  isTrustedPeer(address: string): boolean;
  /** Takes over a connection whose client speaks HTTP/2 without having asked (h2c); nothing of it has been answered. */
  serveHttp2(socket: Socket, kind: ConnectionKind): void;
}

/** What a connection came over, and who answers there. */
export interface ConnectionKind {
  readonly handler: HandlerCell;
  /** "": without TLS. */
  readonly tlsOptions: string;
}

/**
 * waiting: for a head. active: a request is being answered, its body perhaps still coming. discarding: answered before
 * its body was read. lingering: our side is closed, what still comes is thrown away, so that the answer is not lost to a
 * reset. tunnel: bytes belong to someone else.
 */
type Phase = "waiting" | "active" | "discarding" | "lingering" | "tunnel" | "closed";

/** The part of HTTP/2's preface that ends like a head. */
const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n\r\n");
const lingerMs = 1_000;
/** More than any server behind this one takes. */
const maxRequestLineBytes = 65_536;
/** An unread body up to this size is read and dropped to keep the connection. */
const maxDiscardedBytes = 262_144;

export class Http1Connection
  implements ExchangeConnection, TrackedConnection, DeadlineHolder, TunnelEnd
{
  deadlineMs = noDeadline;
  readonly handler: HandlerCell;
  readonly #entryPoint: HttpEntryPoint;
  readonly #socket: Socket;
  readonly #exchange: Http1Exchange;
  readonly #partialHead = new HeadBuffer();
  readonly #body = new RequestBody();
  readonly #isPeerTrusted: boolean;
  readonly #forwarded: ForwardedHeaders;
  readonly #openedMs = performance.now();
  #phase: Phase = "waiting";
  /** Bytes not used yet: from `#inputStart` on. */
  #input: Buffer | undefined;
  #inputStart = 0;
  #isProcessing: boolean = false;
  #isPaused: boolean = false;
  #isDraining: boolean = false;
  #mustAwaitDrain: boolean = false;
  #isHalfClosed: boolean = false;
  #closesAfter: boolean = false;
  #requests = 0;
  #readDeadlineMs = noDeadline;
  #discardedBytes = 0;
  #tunnel: TunnelEnd | undefined;

  constructor(entryPoint: HttpEntryPoint, socket: Socket, { handler, tlsOptions }: ConnectionKind) {
    this.#entryPoint = entryPoint;
    this.handler = handler;
    const isTls = tlsOptions !== "";
    const receive = (bytes: Buffer) => this.#receive(bytes);
    this.#socket = isTls ? readTlsShared(socket, receive) : adoptSocket(socket, receive);
    const address = peerAddressOf(this.#socket);
    this.#forwarded = new ForwardedHeaders(address, isTls);
    this.#exchange = new Http1Exchange(this, address, tlsOptions);
    this.#isPeerTrusted = entryPoint.isTrustedPeer(address);
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

  start(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 180_000);
    socket.on("end", () => this.#clientEnded());
    socket.on("drain", () => this.#drained());
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => this.#closed());
    const { sweeper, connections, settings } = this.#entryPoint;
    sweeper.add(this);
    this.#readDeadlineMs = sweeper.deadlineAfter(settings.readTimeoutMs);
    this.deadlineMs = this.#readDeadlineMs;
    connections.add(this);
    if (this.#phase === "waiting") socket.resume();
  }

  // --- input ---------------------------------------------------------------------------------------------------------

  /** `bytes` are good during this call only: what is left of them at its end is copied. */
  #receive(bytes: Buffer): void {
    if (this.#input !== undefined) {
      this.#input = Buffer.concat([this.#input.subarray(this.#inputStart), bytes]);
      this.#inputStart = 0;
      return;
    }
    switch (this.#phase) {
      case "waiting":
        this.#input = bytes;
        this.#inputStart = 0;
        this.#process();
        break;
      case "active":
      case "discarding":
        if (this.#body.isDone || !this.#body.isWanted) this.#leave(bytes, 0);
        else this.#readBody(bytes, 0);
        break;
      case "lingering":
        this.#discardedBytes += bytes.length;
        if (this.#discardedBytes > maxDiscardedBytes) this.#socket.destroy();
        break;
      case "tunnel":
        if (this.#tunnel?.sendTunnel(bytes) === false) this.#pause();
        break;
      case "closed":
    }
    if (this.#input !== undefined) {
      this.#input = Buffer.from(this.#input.subarray(this.#inputStart));
      this.#inputStart = 0;
      this.#pause();
    }
  }

  /** For later. The socket is paused until it is used; over TLS what was decrypted by then comes all the same. */
  #leave(bytes: Buffer, start: number): void {
    this.#input = bytes;
    this.#inputStart = start;
  }

  /** Takes requests from the input until one is not answered at once, or not there completely. */
  #process(): void {
    if (this.#isProcessing) return;
    this.#isProcessing = true;
    while (this.#phase === "waiting" && this.#input !== undefined) {
      if (this.#mustAwaitDrain) break;
      const input = this.#input;
      this.#input = undefined;
      this.#readHead(input, this.#inputStart);
    }
    this.#isProcessing = false;
    if (this.#phase === "waiting" && this.#input === undefined) this.#resume();
  }

  #readHead(input: Buffer, inputStart: number): void {
    let bytes = input;
    let start = inputStart;
    if (!this.#partialHead.isEmpty) {
      bytes = this.#partialHead.append(input, inputStart);
      start = 0;
    }
    // One empty line before a request is left over from old clients (RFC 9112 §2.2).
    if (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
    const knownEnd = isOneSmallHead(bytes, start)
      ? bytes.length
      : this.#partialHead.findEnd(bytes, start);
    const refusal = this.#refusalOfSize(bytes, start, knownEnd);
    if (refusal !== 0) {
      this.#refuseHead(refusal);
      return;
    }
    if (knownEnd === -1) {
      this.#readPartialHead(bytes, inputStart, start);
      return;
    }
    const exchange = this.#exchange;
    const { head, requestHeaders } = exchange;
    head.reset(bytes, start, bytes.toString("latin1", start, knownEnd));
    this.#partialHead.clear();
    const length = parseRequestHead(head, requestHeaders, !this.#isPeerTrusted);
    if (length < 0) {
      if (this.#speaksHttp2(bytes, start)) this.#handOver(bytes, start);
      else this.#refuseHead(-length);
      return;
    }
    if (start + length < bytes.length) this.#leave(bytes, start + length);
    this.#beginRequest(length);
  }

  /** The preface of HTTP/2 begins as a request that HTTP/1.1 has no version for (RFC 9113 §3.4). */
  #speaksHttp2(bytes: Buffer, start: number): boolean {
    if (this.#requests > 0 || bytes[start] !== http2Preface[0]) return false;
    return bytes.subarray(start, start + http2Preface.length).equals(http2Preface);
  }

  #handOver(bytes: Buffer, start: number): void {
    const socket = this.#socket;
    const preface = Buffer.from(bytes.subarray(start));
    this.#phase = "closed";
    this.#input = undefined;
    for (const event of ["end", "drain"]) socket.removeAllListeners(event);
    socket.pause();
    // What is read now would be given to whoever takes the socket over a second time.
    process.nextTick(() => {
      if (socket.destroyed) return;
      socket.unshift(preface);
      const { handler } = this;
      this.#entryPoint.serveHttp2(socket, { handler, tlsOptions: this.#exchange.tlsOptions });
      // Not before it is somebody else's: a drain must not miss it in between.
      this.#entryPoint.sweeper.delete(this);
      this.#entryPoint.connections.delete(this);
    });
  }

  /** Of a head, or of as much of one as has come (`knownEnd` -1): before anything else is looked at in it. */
  #refusalOfSize(bytes: Buffer, start: number, knownEnd: number): 0 | 414 | 431 {
    const { maxHeaderBytes } = this.#entryPoint.settings;
    const maxLineBytes = Math.min(maxRequestLineBytes, maxHeaderBytes);
    const mostBytes = (knownEnd === -1 ? bytes.length : knownEnd) - start;
    if (mostBytes <= maxLineBytes) return 0;
    if (!bytes.subarray(start, start + maxLineBytes).includes("\r\n")) return 414;
    if (mostBytes <= maxHeaderBytes) return 0;
    // Of many small heads at once only the first counts here.
    const end = bytes.indexOf("\r\n\r\n", start);
    return end !== -1 && end + 4 - start <= maxHeaderBytes ? 0 : 431;
  }

  #readPartialHead(bytes: Buffer, inputStart: number, start: number): void {
    const { readTimeoutMs } = this.#entryPoint.settings;
    const verdict = this.#partialHead.isEmpty
      ? this.#partialHead.begin(bytes, inputStart)
      : this.#partialHead.check(bytes);
    if (verdict !== 0) {
      this.#refuseHead(this.#statusOfBroken(bytes, start));
    } else if (this.#readDeadlineMs === noDeadline) {
      this.#readDeadlineMs = this.#entryPoint.sweeper.deadlineAfter(readTimeoutMs);
      this.deadlineMs = this.#readDeadlineMs;
    }
  }

  /** The parser stops at what is broken, or before: the status is the one the whole head would have got. */
  #statusOfBroken(bytes: Buffer, start: number): number {
    const { head, requestHeaders } = this.#exchange;
    head.reset(bytes, start, bytes.toString("latin1", start));
    const verdict = parseRequestHead(head, requestHeaders, !this.#isPeerTrusted);
    return verdict < 0 ? -verdict : 400;
  }

  #beginRequest(headLength: number): void {
    const exchange = this.#exchange;
    const { head } = exchange;
    const { settings } = this.#entryPoint;
    this.#requests += 1;
    this.#phase = "active";
    this.#closesAfter = false;
    exchange.open(performance.now());
    exchange.method = head.method;
    if (
      !applyTarget(head, settings, exchange) ||
      !allowsUnderscores(exchange, settings, headLength)
    ) {
      this.#refuseHead(400);
      return;
    }
    this.#body.begin(head);
    exchange.requestFraming = this.#body.framing;
    exchange.requestLength = head.contentLength;
    this.#setDeadline(settings);
    if (head.path === "*") {
      exchange.respond(200, "");
      return;
    }
    exchange.upgradeProtocol =
      head.wantsUpgrade && this.#body.isDone ? allowedUpgrade(head.upgrade) : "";
    completeRequest(exchange, this.#entryPoint, this.#forwarded, this.#isPeerTrusted);
    if (exchange.upgradeProtocol !== "") exchange.requestHeaders.append("Connection", "Upgrade");
    exchange.handle();
  }

  #setDeadline(settings: EntryPoint): void {
    const { sweeper } = this.#entryPoint;
    if (this.#body.isDone) {
      this.#readDeadlineMs = noDeadline;
      this.deadlineMs = sweeper.deadlineAfter(settings.writeTimeoutMs);
    } else if (this.#readDeadlineMs === noDeadline) {
      this.#readDeadlineMs = sweeper.deadlineAfter(settings.readTimeoutMs);
      this.deadlineMs = this.#readDeadlineMs;
    }
  }

  #refuseHead(status: number): void {
    const exchange = this.#exchange;
    this.#input = undefined;
    this.#phase = "active";
    this.#body.giveUp();
    exchange.open(performance.now());
    if (exchange.method === "") exchange.method = "GET";
    exchange.head.wantsClose = true;
    exchange.respond(status, `${status} ${statusText(status)}`);
  }

  // --- the request's body --------------------------------------------------------------------------------------------

  startRequestBody(): void {
    if (this.#body.isDone) {
      this.#exchange.sink?.requestEnd(undefined);
      return;
    }
    this.#body.isWanted = true;
    const { head } = this.#exchange;
    if (head.expectsContinue && this.#input === undefined) {
      head.expectsContinue = false;
      this.#socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
    }
    const input = this.#input;
    this.#input = undefined;
    if (input !== undefined) this.#readBody(input, this.#inputStart);
    if (!this.#body.isDone && this.#phase === "active") this.#resume();
  }

  resumeRequestBody(): void {
    if (this.#phase === "active" && !this.#body.isDone) this.#resume();
  }

  bodyData(bytes: Buffer, start: number, end: number): void {
    if (this.#phase === "active") this.#exchange.sink?.requestData(bytes, start, end);
    else this.#discardedBytes += end - start;
  }

  #readBody(bytes: Buffer, start: number): void {
    const used = this.#body.read(bytes, start, this);
    if (used === -1) {
      this.#input = undefined;
      if (this.#phase === "active") this.#exchange.refuse(400);
      else this.#endConnection();
      return;
    }
    if (this.#body.isDone) {
      this.#bodyEnded(bytes, used);
    } else if (this.#phase === "discarding") {
      if (this.#discardedBytes > maxDiscardedBytes) this.#endConnection();
    } else if (this.#exchange.sink?.flushRequest() === false) {
      this.#pause();
    }
  }

  #bodyEnded(bytes: Buffer, used: number): void {
    const { writeTimeoutMs } = this.#entryPoint.settings;
    this.#readDeadlineMs = noDeadline;
    this.deadlineMs = this.#entryPoint.sweeper.deadlineAfter(writeTimeoutMs);
    if (used < bytes.length) this.#leave(bytes, used);
    if (this.#phase === "discarding") this.#nextRequest();
    else this.#exchange.sink?.requestEnd(this.#trailers());
  }

  #trailers(): HeaderList | undefined {
    const { trailers } = this.#body;
    const { underscoreHeaders: strategy } = this.#entryPoint.settings;
    // It is too late to reject the request.
    if (strategy !== UnderscoreHeaders.KEEP) trailers?.deleteWithUnderscore();
    return trailers;
  }

  // --- the response --------------------------------------------------------------------------------------------------

  closesAfterResponse(): boolean {
    const { head } = this.#exchange;
    const { settings } = this.#entryPoint;
    const ageLimitMs = settings.keepAliveMaxTimeMs;
    this.#closesAfter =
      head.wantsClose ||
      (head.minorVersion === 0 && !head.wantsKeepAlive) ||
      this.#isDraining ||
      this.#isHalfClosed ||
      this.#mustNotReadOn() ||
      (settings.keepAliveMaxRequests > 0 && this.#requests >= settings.keepAliveMaxRequests) ||
      (ageLimitMs > 0 && performance.now() - this.#openedMs > ageLimitMs);
    return this.#closesAfter;
  }

  /** Whether a body is still to come that is too much to read for nothing, or that may never come. */
  #mustNotReadOn(): boolean {
    if (this.#body.isDone || this.#body.isWanted) return false;
    return this.#exchange.head.expectsContinue || this.#body.remaining > maxDiscardedBytes;
  }

  write(text: string): boolean {
    if (text !== "") this.#mustAwaitDrain = !this.#socket.write(text, "latin1");
    return !this.#mustAwaitDrain;
  }

  writeBytes(before: string, bytes: Buffer, after: string): boolean {
    const socket = this.#socket;
    socket.cork();
    if (before !== "") socket.write(before, "latin1");
    socket.write(bytes);
    if (after !== "") socket.write(after, "latin1");
    socket.uncork();
    this.#mustAwaitDrain = socket.writableNeedDrain;
    return !this.#mustAwaitDrain;
  }

  responseEnded(): void {
    if (this.#phase !== "active") return;
    if (this.#closesAfter) this.#endConnection();
    else if (this.#body.isDone) this.#nextRequest();
    else this.#discardBody();
  }

  #discardBody(): void {
    this.#phase = "discarding";
    this.#body.isWanted = true;
    this.#discardedBytes = 0;
    const input = this.#input;
    this.#input = undefined;
    if (input !== undefined) this.#readBody(input, this.#inputStart);
    if (this.#phase === "discarding") this.#resume();
  }

  #nextRequest(): void {
    this.#phase = "waiting";
    const { settings, sweeper } = this.#entryPoint;
    this.deadlineMs = sweeper.deadlineAfter(settings.idleTimeoutMs);
    if (this.#isDraining || this.#isHalfClosed) this.#endConnection();
    else if (this.#input !== undefined || this.#isPaused) this.#process();
  }

  // --- after a change of protocol ------------------------------------------------------------------------------------

  beginTunnel(upstream: TunnelEnd): TunnelEnd {
    this.#phase = "tunnel";
    this.#tunnel = upstream;
    this.deadlineMs = noDeadline;
    const input = this.#input;
    this.#input = undefined;
    if (input !== undefined) upstream.sendTunnel(input.subarray(this.#inputStart));
    if (this.#isHalfClosed) upstream.endTunnel();
    this.#resume();
    return this;
  }

  sendTunnel(bytes: Buffer): boolean {
    return this.#socket.write(Buffer.from(bytes));
  }

  endTunnel(): void {
    this.#socket.end();
  }

  resumeTunnel(): void {
    this.#resume();
  }

  closeTunnel(): void {
    this.#socket.destroySoon();
  }

  // --- the end -------------------------------------------------------------------------------------------------------

  beginDrain(): void {
    this.#isDraining = true;
    if (this.#phase === "waiting" && this.#partialHead.isEmpty) this.#endConnection();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  deadlinePassed(): void {
    if (this.#phase === "waiting") {
      if (this.#partialHead.isEmpty) this.#endConnection();
      else this.#refuseHead(408);
    } else if (this.#phase === "active" && !this.#body.isDone) {
      this.#body.giveUp();
      this.#input = undefined;
      this.#exchange.refuse(408);
    } else {
      this.#socket.destroy();
    }
  }

  #endConnection(): void {
    this.#phase = "lingering";
    this.#input = undefined;
    this.#discardedBytes = 0;
    this.deadlineMs = this.#entryPoint.sweeper.deadlineAfter(lingerMs);
    this.#socket.end();
    this.#resume();
    if (this.#isHalfClosed) this.#socket.destroySoon();
  }

  #clientEnded(): void {
    this.#isHalfClosed = true;
    if (this.#phase === "waiting") this.#endConnection();
    else if (this.#phase === "lingering") this.#socket.destroySoon();
    else if (this.#phase === "tunnel") this.#tunnel?.endTunnel();
    // A client that has sent its whole request may close its half and still read the answer.
    else if (!this.#body.isDone) this.#socket.destroy();
  }

  #drained(): void {
    this.#mustAwaitDrain = false;
    if (this.#phase === "active") this.#exchange.sink?.resumeResponse();
    else if (this.#phase === "tunnel") this.#tunnel?.resumeTunnel();
    else if (this.#phase === "waiting") this.#process();
  }

  #closed(): void {
    this.#phase = "closed";
    this.#input = undefined;
    this.#tunnel?.closeTunnel();
    this.#tunnel = undefined;
    this.#exchange.abandon();
    this.#entryPoint.sweeper.delete(this);
    this.#entryPoint.connections.delete(this);
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }
}

const smallHeadBytes = 4_096;

/** Whether the bytes end with a head's end and are few: then the parser may look for the end by itself. */
function isOneSmallHead(bytes: Buffer, start: number): boolean {
  const { length } = bytes;
  return (
    length - start >= 4 &&
    length - start <= smallHeadBytes &&
    bytes[length - 1] === 10 &&
    bytes[length - 2] === 13 &&
    bytes[length - 3] === 10 &&
    bytes[length - 4] === 13
  );
}

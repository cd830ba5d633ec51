/**
 * One connection to a server: sends a request, reads its response, and offers itself for the next one. A connection
 * that was idle may have been closed by the server meanwhile; a request that meets this is sent again elsewhere if
 * nothing can have come of it.
 */
import { connect, type Socket } from "node:net";
import type { HttpTransport } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import {
  type DeadlineHolder,
  type DeadlineSweeper,
  noDeadline,
} from "../connection/deadline-sweeper.ts";
import { readShared } from "../connection/shared-read-buffer.ts";
import { ChunkedDecoder } from "../http/chunked-decoder.ts";
import { HeadBuffer } from "../http/head-buffer.ts";
import type { HeaderList } from "../http/header-list.ts";
import type { ForwardedExchange, RequestSink, TunnelEnd } from "../http/http-exchange.ts";
import { isAskedFor } from "../http/upgrade-protocols.ts";
import { parseResponseHead, UpstreamResponseHead } from "./parse-response-head.ts";
import { requestHeadText, type UpstreamAddress } from "./write-request-head.ts";

/** The server this is a connection to. */
export interface UpstreamPool {
  readonly host: string;
  readonly port: number;
  readonly address: UpstreamAddress;
  readonly transport: HttpTransport;
  readonly sweeper: DeadlineSweeper;
  /** Idle from now on; false: nobody wants it, close. */
  release(connection: UpstreamConnection): boolean;
  closed(connection: UpstreamConnection): void;
  /** Sends the request on a new connection. */
  dial(exchange: ForwardedExchange): void;
}

type Phase =
  | "dialing"
  | "idle"
  | "head"
  | "length"
  | "chunked"
  | "untilClose"
  | "tunnel"
  | "closed";

const maxResponseHeadBytes = 1_048_576;
/** Before the final one. */
const maxInformationalResponses = 64;
const joinedBytes = 8_192;
const smallChunkBytes = 4_096;
const idempotentMethods = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

export class UpstreamConnection implements RequestSink, DeadlineHolder, TunnelEnd {
  deadlineMs = noDeadline;
  readonly #pool: UpstreamPool;
  readonly #socket: Socket;
  readonly #head = new UpstreamResponseHead();
  readonly #partialHead = new HeadBuffer();
  #phase: Phase = "dialing";
  #exchange: ForwardedExchange | undefined;
  #isReused: boolean = false;
  #isPaused: boolean = false;
  #hasResponseBytes: boolean = false;
  #isRequestDone: boolean = true;
  #informationalResponses = 0;
  #remaining = 0;
  #chunked: ChunkedDecoder | undefined;
  #tunnel: TunnelEnd | undefined;
  #held = "";
  #failureStatus = 502;

  /** Dials; the exchange is served once connected, or failed. */
  constructor(pool: UpstreamPool, exchange: ForwardedExchange) {
    this.#pool = pool;
    this.#exchange = exchange;
    exchange.attachSink(this);
    // Names are looked up by the system resolver, once per dial.
    this.#socket = connect({
      host: pool.host,
      port: pool.port,
      noDelay: true,
      keepAlive: true,
      allowHalfOpen: true,
      onread: readShared((bytes) => this.#receive(bytes)),
    });
    const socket = this.#socket;
    socket.on("connect", () => this.#connected());
    socket.on("end", () => this.#ended());
    socket.on("drain", () => this.#drained());
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ETIMEDOUT") this.#failureStatus = 504;
    });
    socket.on("close", () => this.#closed());
    pool.sweeper.add(this);
    this.deadlineMs = pool.sweeper.deadlineAfter(pool.transport.dialTimeoutMs);
  }

  get isIdle(): boolean {
    return this.#phase === "idle";
  }

  /** Takes the next exchange on an idle connection. */
  begin(exchange: ForwardedExchange): void {
    this.#exchange = exchange;
    this.#isReused = true;
    exchange.attachSink(this);
    this.#send(exchange);
  }

  close(): void {
    this.#socket.destroy();
  }

  deadlinePassed(): void {
    if (this.#phase !== "idle") this.#failureStatus = 504;
    this.#isReused = false; // a timeout is an answer: it is not tried again
    this.#socket.destroy();
  }

  // --- the request ---------------------------------------------------------------------------------------------------

  #connected(): void {
    if (this.#exchange !== undefined) this.#send(this.#exchange);
  }

  #send(exchange: ForwardedExchange): void {
    this.#phase = "head";
    // Of dialling, or of being idle. While the request is sent only the client's own limits count.
    this.deadlineMs = noDeadline;
    this.#hasResponseBytes = false;
    this.#informationalResponses = 0;
    this.#isRequestDone = exchange.requestFraming === "none";
    let text: string;
    try {
      text = requestHeadText(exchange, this.#pool.address);
    } catch {
      this.#exchange = undefined;
      this.#release();
      exchange.fail(500);
      return;
    }
    if (this.#isRequestDone) {
      this.#socket.write(text, "latin1");
      this.#awaitHead();
      return;
    }
    this.#held = text;
    exchange.startRequest();
    if (this.#exchange === exchange) this.flushRequest();
  }

  #awaitHead(): void {
    const { sweeper, transport } = this.#pool;
    if (this.#phase === "head") {
      this.deadlineMs = sweeper.deadlineAfter(transport.responseHeaderTimeoutMs);
    }
  }

  requestData(bytes: Buffer, start: number, end: number): void {
    const isChunked = this.#exchange?.requestFraming === "chunked";
    const length = end - start;
    if (length === 0) return; // as a chunk it would end the body
    const before = this.#held + (isChunked ? `${length.toString(16)}\r\n` : "");
    const after = isChunked ? "\r\n" : "";
    if (before.length + length <= joinedBytes) {
      this.#held = before + bytes.toString("latin1", start, end) + after;
      return;
    }
    const socket = this.#socket;
    this.#held = "";
    socket.cork();
    if (before !== "") socket.write(before, "latin1");
    socket.write(Buffer.from(bytes.subarray(start, end)));
    if (after !== "") socket.write(after, "latin1");
    socket.uncork();
  }

  requestEnd(trailers: HeaderList | undefined): void {
    this.#isRequestDone = true;
    if (this.#exchange?.requestFraming === "chunked") {
      this.#held += trailers === undefined ? "0\r\n\r\n" : `0\r\n${trailers.lines("")}\r\n`;
    }
    this.flushRequest();
    this.#awaitHead();
  }

  flushRequest(): boolean {
    const held = this.#held;
    this.#held = "";
    if (held !== "") return this.#socket.write(held, "latin1");
    return !this.#socket.writableNeedDrain;
  }

  abort(): void {
    this.#exchange = undefined;
    this.#socket.destroy();
  }

  // --- the response --------------------------------------------------------------------------------------------------

  /** `bytes` are good during this call only. */
  #receive(bytes: Buffer): void {
    if (this.#phase === "tunnel") {
      if (this.#tunnel?.sendTunnel(bytes) === false) this.#pause();
      return;
    }
    const exchange = this.#exchange;
    if (exchange === undefined || this.#phase === "dialing") {
      // Nothing was asked: whatever this is, it must not be taken for the next answer.
      this.#socket.destroy();
      return;
    }
    this.#hasResponseBytes = true;
    let index = 0;
    while (this.#exchange === exchange && index < bytes.length) {
      if (this.#phase === "head") {
        if (!this.#partialHead.isEmpty) {
          this.#receivePartial(bytes, exchange);
          return;
        }
        index = this.#readHead(bytes, index, exchange);
      } else {
        index = this.#readBody(bytes, index, exchange);
      }
      if (index === -1) {
        this.#breakOff(exchange);
        return;
      }
    }
    if (this.#exchange === exchange && !exchange.flushResponse()) this.#pause();
  }

  /** The head's end may be in this chunk; the rest of the chunk follows as if it came by itself. */
  #receivePartial(bytes: Buffer, exchange: ForwardedExchange): void {
    const all = this.#partialHead.append(bytes, 0);
    const end = this.#partialHead.findEnd(all, 0);
    if (end === -1) {
      if (all.length > maxResponseHeadBytes || this.#partialHead.check(all) !== 0) {
        this.#breakOff(exchange);
      }
      return;
    }
    this.#partialHead.clear();
    this.#receive(all);
  }

  /** Index after the head, or -1. */
  #readHead(bytes: Buffer, start: number, exchange: ForwardedExchange): number {
    // Of a small chunk the whole becomes text, its end sought there: the cheaper search.
    const isSmall = bytes.length - start <= smallChunkBytes;
    const wholeText = isSmall ? bytes.toString("latin1", start) : "";
    const offset = isSmall ? wholeText.indexOf("\r\n\r\n") : -1;
    const end = isSmall
      ? offset === -1
        ? -1
        : start + offset + 4
      : this.#partialHead.findEnd(bytes, start);
    if (end === -1) {
      const isHopeless =
        bytes.length - start > maxResponseHeadBytes || this.#partialHead.begin(bytes, start) !== 0;
      return isHopeless ? -1 : bytes.length;
    }
    const head = this.#head;
    head.reset(bytes, start, isSmall ? wholeText : bytes.toString("latin1", start, end));
    if (parseResponseHead(head) === -1) return -1;
    if (head.status >= 200) {
      this.deadlineMs = noDeadline;
      this.#beginBody(exchange, end === bytes.length);
    } else if (head.status === 101) {
      return this.#switchProtocols(bytes, end, exchange);
    } else if (this.#informationalResponses === maxInformationalResponses) {
      return -1;
    } else {
      this.#informationalResponses += 1;
      // 100 is between us and the server: the client's own was answered when its body was wanted.
      if (head.status !== 100) exchange.informationalResponse(head, head.reason);
    }
    return end;
  }

  /** An edit of the head that throws makes the exchange let go of this connection on the way. */
  #beginBody(exchange: ForwardedExchange, isAllRead: boolean): void {
    const head = this.#head;
    const { status, contentLength } = head;
    if (exchange.method === "HEAD" || status === 204 || status === 304) {
      exchange.beginResponse(head, head.reason, "none", 0);
      if (this.#exchange === exchange) this.#finish(exchange, undefined, isAllRead);
    } else if (head.isChunked) {
      this.#phase = "chunked";
      this.#chunked ??= new ChunkedDecoder();
      this.#chunked.reset();
      exchange.beginResponse(head, head.reason, "chunked", 0);
    } else if (contentLength === -1) {
      this.#phase = "untilClose";
      exchange.beginResponse(head, head.reason, "chunked", 0);
    } else {
      this.#phase = "length";
      this.#remaining = contentLength;
      exchange.beginResponse(head, head.reason, "length", contentLength);
      if (contentLength !== 0 || this.#exchange !== exchange) return;
      this.#finish(exchange, undefined, isAllRead);
    }
  }

  bodyData(bytes: Buffer, start: number, end: number): void {
    this.#exchange?.responseData(bytes, start, end);
  }

  /** Index after what belongs to the body, or -1. */
  #readBody(bytes: Buffer, start: number, exchange: ForwardedExchange): number {
    if (this.#phase === "chunked" && this.#chunked !== undefined) {
      const used = this.#chunked.decode(bytes, start, bytes.length, this);
      if (this.#chunked.isDone && used !== -1) {
        this.#finish(exchange, this.#chunked.trailers, used === bytes.length);
      }
      return used;
    }
    const isCounted = this.#phase === "length";
    const end = isCounted ? Math.min(bytes.length, start + this.#remaining) : bytes.length;
    exchange.responseData(bytes, start, end);
    if (isCounted) {
      this.#remaining -= end - start;
      if (this.#remaining === 0) this.#finish(exchange, undefined, end === bytes.length);
    }
    return end;
  }

  /** The response is complete. Released first: ending it may bring the client's next request at once. */
  #finish(exchange: ForwardedExchange, trailers: HeaderList | undefined, isAllRead: boolean): void {
    const head = this.#head;
    const isKept = !head.wantsClose && (head.minorVersion === 1 || head.wantsKeepAlive);
    this.#exchange = undefined;
    if (
      isKept &&
      !this.#mayHaveStrayBody(exchange) &&
      isAllRead &&
      this.#isRequestDone &&
      this.#phase !== "untilClose"
    )
      this.#release();
    else this.#socket.destroy();
    exchange.endResponse(trailers);
  }

  /**
   * Whether the server may send a body after a response that has none: its fields speak of one. It would be read as the
   * beginning of the next response.
   */
  #mayHaveStrayBody({ method }: ForwardedExchange): boolean {
    const { status, isChunked, contentLength } = this.#head;
    if (status === 204) return isChunked || contentLength > 0;
    return isChunked && (method === "HEAD" || status === 304);
  }

  #release(): void {
    this.#phase = "idle";
    const { sweeper, transport } = this.#pool;
    this.deadlineMs = sweeper.deadlineAfter(transport.idleConnectionTimeoutMs);
    if (!this.#pool.release(this)) this.#socket.destroy();
  }

  #switchProtocols(bytes: Buffer, end: number, exchange: ForwardedExchange): number {
    const { upgrade, wantsUpgrade } = this.#head;
    if (!wantsUpgrade || !isAskedFor(upgrade, exchange.upgradeProtocol)) return -1;
    this.#exchange = undefined;
    this.#phase = "tunnel";
    this.deadlineMs = noDeadline;
    this.#tunnel = exchange.switchProtocols(this.#head, this.#head.reason, this);
    if (end < bytes.length) this.#receive(bytes.subarray(end));
    return bytes.length;
  }

  sendTunnel(bytes: Buffer): boolean {
    return this.#socket.write(Buffer.from(bytes));
  }

  endTunnel(): void {
    this.#socket.end();
  }

  resumeTunnel(): void {
    this.resumeResponse();
  }

  closeTunnel(): void {
    this.#socket.destroySoon();
  }

  #drained(): void {
    this.#exchange?.resumeRequest();
    this.#tunnel?.resumeTunnel();
  }

  // --- the end -------------------------------------------------------------------------------------------------------

  /** What came is no response. */
  #breakOff(exchange: ForwardedExchange): void {
    this.#exchange = undefined;
    this.#socket.destroy();
    exchange.fail(502);
  }

  #ended(): void {
    const exchange = this.#exchange;
    if (exchange !== undefined && this.#phase === "untilClose") {
      this.#finish(exchange, undefined, true);
      return;
    }
    if (this.#phase === "tunnel") this.#tunnel?.endTunnel();
    else this.#socket.destroy();
  }

  #closed(): void {
    this.#tunnel?.closeTunnel();
    this.#tunnel = undefined;
    const exchange = this.#exchange;
    const wasWaiting = this.#phase === "head";
    this.#phase = "closed";
    this.#exchange = undefined;
    this.#leave();
    if (exchange === undefined) return;
    const isRepeatable =
      wasWaiting &&
      this.#isReused &&
      !this.#hasResponseBytes &&
      exchange.requestFraming === "none" &&
      idempotentMethods.has(exchange.method);
    if (isRepeatable) this.#pool.dial(exchange);
    else exchange.fail(this.#failureStatus);
  }

  #leave(): void {
    this.deadlineMs = noDeadline;
    this.#pool.sweeper.delete(this);
    this.#pool.closed(this);
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resumeResponse(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }
}

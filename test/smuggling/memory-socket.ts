/**
 * A socket without a network: what it is fed it hands on, or keeps while it is paused; what is written to it is kept.
 * Everything happens in turns of one queue, so that a run with the same pieces is always the same run.
 */
import { EventEmitter } from "node:events";
import type { OnReadOpts } from "node:net";

export class Turns {
  readonly #waiting: (() => void)[] = [];

  add(turn: () => void): void {
    this.#waiting.push(turn);
  }

  /** Until nothing waits. */
  run(): void {
    for (let turn = this.#waiting.shift(); turn !== undefined; turn = this.#waiting.shift()) turn();
  }
}

/** Of what is under the gateway's sockets. */
export interface Peer {
  written(bytes: string): void;
  /** The gateway has ended its half, or destroyed the socket. */
  ended(): void;
}

export class MemorySocket extends EventEmitter {
  readonly remoteAddress = "127.0.0.1";
  readonly readableLength = 0;
  readonly readableEnded: boolean = false;
  readonly writableNeedDrain: boolean = false;
  destroyed: boolean = false;
  readonly #turns: Turns;
  readonly #peer: Peer;
  readonly #onread: OnReadOpts | undefined;
  readonly #unread: (Buffer | "end")[] = [];
  #isPaused: boolean = false;
  #hasEnded: boolean = false;
  #isPeerEnded: boolean = false;

  constructor(turns: Turns, peer: Peer, onread?: OnReadOpts) {
    super();
    this.#turns = turns;
    this.#peer = peer;
    this.#onread = onread;
  }

  /** A piece arrives. */
  feed(bytes: string): void {
    this.#take(Buffer.from(bytes, "latin1"));
  }

  /** The other side ends its half. */
  feedEnd(): void {
    if (this.#isPeerEnded) return;
    this.#isPeerEnded = true;
    this.#take("end");
  }

  #take(arrived: Buffer | "end"): void {
    this.#unread.push(arrived);
    this.#turns.add(() => this.#read());
  }

  #read(): void {
    if (this.#isPaused || this.destroyed) return;
    const arrived = this.#unread.shift();
    if (arrived === undefined) return;
    if (arrived === "end") this.emit("end");
    else if (this.#onread === undefined) {
      this.emit("data", arrived);
      arrived.fill(0x7f); // whoever kept it without copying it has this now
    } else {
      const { buffer, callback } = this.#onread;
      const target = buffer as Buffer;
      arrived.copy(target);
      callback(arrived.length, target);
      target.fill(0x7f, 0, arrived.length);
    }
    if (this.#unread.length > 0) this.#turns.add(() => this.#read());
    this.#closeWhenDone();
  }

  write(bytes: Buffer | string, encoding: BufferEncoding = "utf8"): boolean {
    if (this.destroyed || this.#hasEnded) return false;
    const text = typeof bytes === "string" ? Buffer.from(bytes, encoding) : bytes;
    this.#peer.written(text.toString("latin1"));
    return true;
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#peer.ended();
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    const isRead = this.#isPeerEnded && this.#unread.length === 0;
    if (this.#hasEnded && isRead) this.destroy();
  }

  destroySoon(): void {
    this.end();
    this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#turns.add(() => {
      this.end();
      this.emit("close");
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#turns.add(() => this.#read());
  }

  cork(): void {}
  uncork(): void {}
  setNoDelay(): void {}
  setKeepAlive(): void {}
}

/**
 * The listeners a generation wishes for, against those that are open. Order (contract): what is new is bound first, the
 * routers switch, then accepting starts, then what is no longer wished closes. An address that overlaps one of ours
 * that moves or goes can only be bound after the old one has closed; the log says so.
 *
 * A wish that cannot be bound is retried until it is bound or no longer wished: the process lives without it.
 */
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type BackoffPolicy, backoffDelayMs } from "../../foundation/backoff.ts";
import { errorText } from "../../foundation/error-text.ts";
import type { Logger } from "../../foundation/log.ts";
import type { ListenerResult, ListenerWish } from "../worker/worker-protocol.ts";
import { EntryPointBindError, EntryPointListener } from "./entry-point-listener.ts";
import type { UdpEntryPointListener } from "./udp-entry-point-listener.ts";
import type { UdpPlace } from "./udp-listeners.ts";

export interface ListenerSetInit {
  readonly onConnection: (entryPoint: string, socket: Socket) => void;
  readonly createUdpListener: (place: UdpPlace) => UdpEntryPointListener;
  /** The entry point has no listener any more: its connections are to finish within their grace. */
  readonly onRemoved: (entryPoint: string) => void;
  /** A retry bound a listener, or failed for another reason than before. */
  readonly onChanged: (result: ListenerResult) => void;
  readonly retry: BackoffPolicy;
  readonly log: Logger;
}

type Listener = EntryPointListener | UdpEntryPointListener;

interface Prepared {
  readonly wishes: readonly ListenerWish[];
  /** By entry point: what serves each wish once activated. */
  readonly next: Map<string, Listener>;
  readonly opened: readonly Listener[];
  readonly closedEarly: readonly Listener[];
}

interface PendingRetry {
  readonly wish: ListenerWish;
  readonly attempt: number;
  readonly lastError: string;
  readonly timer: NodeJS.Timeout;
}

export class ListenerSet {
  readonly #init: ListenerSetInit;
  /** By entry point. */
  #active = new Map<string, Listener>();
  #wishes: readonly ListenerWish[] = [];
  #prepared: Prepared | undefined;
  /** By entry point; a retry whose entry is no longer this one has been overtaken. */
  readonly #retries = new Map<string, PendingRetry>();

  constructor(init: ListenerSetInit) {
    this.#init = init;
  }

  /** Binds what is new or moved; nothing new accepts and nothing else closes until `activate()`. Never rejects. */
  async prepare(wishes: readonly ListenerWish[]): Promise<ListenerResult[]> {
    if (this.#prepared !== undefined) this.abandon();
    const next = new Map<string, Listener>();
    const opened: Listener[] = [];
    const closedEarly: Listener[] = [];
    const prepared: Prepared = { wishes, next, opened, closedEarly };
    this.#prepared = prepared;
    const results: ListenerResult[] = [];
    for (const wish of wishes) {
      const kept = this.#reusable(wish, wishes);
      if (kept !== undefined) {
        next.set(wish.entryPoint, kept);
        results.push({ entryPoint: wish.entryPoint, address: kept.address });
        continue;
      }
      // One after another: wishes that conflict with each other then fail in their order, on every node alike.
      const { listener, error } = await this.#open(wish, wishes, closedEarly);
      if (listener === undefined) results.push({ entryPoint: wish.entryPoint, error: error ?? "" });
      else {
        opened.push(listener);
        next.set(wish.entryPoint, listener);
        results.push({ entryPoint: wish.entryPoint, address: listener.address });
      }
    }
    return results;
  }

  activate(): void {
    const prepared = this.#prepared;
    if (prepared === undefined) return;
    this.#prepared = undefined;
    this.#clearRetries();
    const { wishes, next, opened, closedEarly } = prepared;
    const previous = this.#active;
    this.#active = next;
    this.#wishes = wishes;
    const inUse = new Set(next.values());
    for (const wish of wishes) {
      if (next.has(wish.entryPoint)) continue;
      // Rejected here: it keeps its last good address, if it had one, until a retry succeeds.
      const old = previous.get(wish.entryPoint);
      if (old !== undefined && !inUse.has(old) && !closedEarly.includes(old)) {
        next.set(wish.entryPoint, old);
        inUse.add(old);
      }
      this.#retryLater(wish, 0, "");
    }
    for (const [entryPoint, listener] of next) {
      listener.rename(entryPoint);
      if (opened.includes(listener)) this.#announce(listener);
    }
    for (const [entryPoint, listener] of previous) {
      if (!inUse.has(listener)) void listener.close();
      const wish = wishes.find((other) => other.entryPoint === entryPoint);
      // What had the other protocol has nobody left who could serve it.
      const isServed = wish !== undefined && protocolOf(wish) === listener.protocol;
      if (!isServed) this.#removed(listener, entryPoint);
    }
  }

  /** Undoes `prepare()`. A listener that had to close early is bound again. */
  abandon(): void {
    const prepared = this.#prepared;
    if (prepared === undefined) return;
    this.#prepared = undefined;
    for (const listener of prepared.opened) void listener.close();
    for (const { entryPoint, host, port, protocol } of prepared.closedEarly) {
      this.#active.delete(entryPoint);
      this.#retryLater({ entryPoint, host, port, protocol }, 0, "");
    }
  }

  /** Stops each listener after its accept grace; resolves when none is left. What was handed over is not touched. */
  async drain(): Promise<void> {
    this.abandon();
    this.#clearRetries();
    await Promise.all(
      this.#wishes.map(async ({ entryPoint, requestAcceptGraceTimeoutMs = 0 }) => {
        await delay(requestAcceptGraceTimeoutMs);
        this.#active.get(entryPoint)?.endAccepting();
        this.#active.delete(entryPoint);
      }),
    );
    this.stop();
  }

  /** No new connections from now on. */
  stop(): void {
    this.abandon();
    this.#clearRetries();
    for (const listener of this.#active.values()) void listener.close();
    this.#active.clear();
  }

  /** A listener that already is where the wish wants one: its own, or one that no other wish keeps. */
  #reusable(wished: ListenerWish, wishes: readonly ListenerWish[]): Listener | undefined {
    const own = this.#active.get(wished.entryPoint);
    if (own !== undefined && isAt(own, wished)) return own;
    if (wished.port === 0) return undefined;
    for (const [name, listener] of this.#active) {
      if (!isAt(listener, wished)) continue;
      const keeper = wishes.find((wish) => wish.entryPoint === name);
      if (keeper === undefined || !isAt(listener, keeper)) return listener;
    }
    return undefined;
  }

  #create(wish: ListenerWish): Listener {
    if (protocolOf(wish) === "udp") return this.#init.createUdpListener(wish);
    return new EntryPointListener({ ...wish, onConnection: this.#init.onConnection });
  }

  async #open(
    wish: ListenerWish,
    wishes: readonly ListenerWish[],
    closedEarly: Listener[],
  ): Promise<{ listener?: Listener; error?: string }> {
    for (;;) {
      const listener = this.#create(wish);
      try {
        await listener.bind();
        return { listener };
      } catch (error) {
        void listener.close();
        const message = errorText(error);
        const code = error instanceof EntryPointBindError ? error.code : undefined;
        const inTheWay = code === "EADDRINUSE" ? this.#inTheWay(wish, wishes, closedEarly) : [];
        if (inTheWay.length === 0) return { error: message };
        for (const old of inTheWay) {
          this.#init.log.warn("entry point moves by closing first", {
            entryPoint: old.entryPoint,
            from: old.address,
            to: `${wish.entryPoint} ${wish.host}:${wish.port}`,
          });
          closedEarly.push(old);
          await old.close();
        }
      }
    }
  }

  /** Our own listeners on that port that move or go with this generation. */
  #inTheWay(
    wished: ListenerWish,
    wishes: readonly ListenerWish[],
    closedEarly: readonly Listener[],
  ): Listener[] {
    return [...this.#active].flatMap(([name, listener]) => {
      const overlaps = listener.port === wished.port && listener.protocol === protocolOf(wished);
      if (!overlaps || closedEarly.includes(listener)) return [];
      const wish = wishes.find((other) => other.entryPoint === name);
      return wish !== undefined && isAt(listener, wish) ? [] : [listener];
    });
  }

  #retryLater(wish: ListenerWish, attempt: number, lastError: string): void {
    const timer = setTimeout(
      () => void this.#retry(pending),
      backoffDelayMs(attempt, this.#init.retry),
    ).unref();
    const pending: PendingRetry = { wish, attempt, lastError, timer };
    this.#retries.set(wish.entryPoint, pending);
  }

  async #retry(pending: PendingRetry): Promise<void> {
    const { wish, attempt, lastError } = pending;
    const listener = this.#create(wish);
    const error = await listener.bind().then(
      () => undefined,
      (reason: Error) => reason.message,
    );
    const overtaken = this.#retries.get(wish.entryPoint) !== pending;
    if (error !== undefined || overtaken) void listener.close();
    if (overtaken) return;
    if (error !== undefined) {
      if (error !== lastError) this.#init.onChanged({ entryPoint: wish.entryPoint, error });
      this.#retryLater(wish, attempt + 1, error);
      return;
    }
    this.#retries.delete(wish.entryPoint);
    void this.#active.get(wish.entryPoint)?.close();
    this.#active.set(wish.entryPoint, listener);
    this.#announce(listener);
    this.#init.onChanged({ entryPoint: wish.entryPoint, address: listener.address });
  }

  #removed(listener: Listener, entryPoint: string): void {
    this.#init.log.info("entry point closed", { entryPoint, address: listener.address });
    // A UDP listener takes its sessions with it.
    if (listener.protocol === "tcp") this.#init.onRemoved(entryPoint);
  }

  #announce(listener: Listener): void {
    listener.activate();
    this.#init.log.info("listening", {
      listener: "entryPoint",
      name: listener.entryPoint,
      address: listener.address,
    });
  }

  #clearRetries(): void {
    for (const { timer } of this.#retries.values()) clearTimeout(timer);
    this.#retries.clear();
  }
}

function protocolOf({ protocol = "tcp" }: ListenerWish): "tcp" | "udp" {
  return protocol;
}

function isAt(listener: Listener, wish: ListenerWish): boolean {
  if (listener.protocol !== protocolOf(wish)) return false;
  return listener.host === wish.host && listener.port === wish.port;
}

/**
 * One watch stream, from its opening to its end. Guarantees about what `onRevision` is handed: every event of the range from
 * `fromRevision` on, in order, each once, and the events of one revision (one transaction) together, also when etcd
 * splits a large answer into fragments.
 *
 * A stream ends in one of these ways, and the caller decides what follows:
 * - it fails, or its peer falls silent: it can be resumed after the last revision that was handed over;
 * - the wanted revision is compacted away, or lies in the future of a store that was restored: only a new list helps.
 */
import type { IEvent, IWatchResponse } from "etcd3";
import type { EtcdClient } from "./etcd-client.ts";
import type { WatchCall } from "./etcd-connection.ts";
import { EtcdRefusedError, EtcdUnavailableError } from "./etcd-error.ts";
import type { KeyRange } from "./key-range.ts";
import { allWatchGuards, type WatchGuards } from "./watch-guards.ts";

export interface RangeEvent {
  readonly key: Buffer;
  /** Absent: deleted. */
  readonly value: Buffer | undefined;
}

export interface WatchEventsInit {
  readonly client: EtcdClient;
  readonly range: KeyRange;
  readonly fromRevision: bigint;
  readonly clusterId: string;
  /** The stream is known to work: etcd has answered on it. */
  onAlive(): void;
  onRevision(events: readonly RangeEvent[], revision: bigint): void;
  readonly guards?: WatchGuards;
}

export type WatchEnd =
  | { readonly kind: "failed"; readonly error: Error }
  /** `why` says what made a list necessary. */
  | { readonly kind: "relist"; readonly why: "compacted"; readonly compactedTo: bigint }
  | { readonly kind: "relist"; readonly why: "restored" }
  | { readonly kind: "aborted" };

/** A peer that is stopped or cut off is found within the sum of the three, 6 s at worst. */
const progressIntervalMs = 3_000;
const answerTimeoutMs = 2_500;
/** Time for an answer that already lies in our socket while this event loop was busy. */
const lateAnswerGraceMs = 300;

/** Opens the stream and reads it until it ends. Never rejects. */
export async function watchEvents(init: WatchEventsInit, signal: AbortSignal): Promise<WatchEnd> {
  if (signal.aborted) return { kind: "aborted" };
  try {
    const { call, classify } = await init.client.openWatch();
    return await new Promise((resolve) => {
      new WatchReading(init, call, classify, signal, resolve).begin();
    });
  } catch (error) {
    return { kind: "failed", error: error instanceof Error ? error : new Error(String(error)) };
  }
}

class WatchReading {
  readonly #init: WatchEventsInit;
  readonly #guards: WatchGuards;
  readonly #call: WatchCall;
  readonly #classify: (failure: unknown) => Error;
  readonly #signal: AbortSignal;
  readonly #resolve: (end: WatchEnd) => void;
  #ended: boolean = false;
  #fragments: IEvent[] = [];
  #next: bigint;
  #heardSinceRequest: boolean = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    init: WatchEventsInit,
    call: WatchCall,
    classify: (failure: unknown) => Error,
    signal: AbortSignal,
    resolve: (end: WatchEnd) => void,
  ) {
    this.#init = init;
    this.#guards = init.guards ?? allWatchGuards;
    this.#call = call;
    this.#classify = classify;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#next = init.fromRevision;
  }

  begin(): void {
    const { range } = this.#init;
    this.#call.on("data", (response) => this.#onResponse(response));
    this.#call.on("error", (failure) =>
      this.#end({ kind: "failed", error: this.#classify(failure) }),
    );
    this.#call.on("end", () => this.#fail("it ended the watch"));
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#signal.aborted) {
      this.#onAbort(); // while the stream was being opened
      return;
    }
    this.#call.write({
      create_request: {
        key: range.start,
        ...(range.end !== undefined && { range_end: range.end }),
        start_revision: this.#guards.resumes === "now" ? "0" : this.#next.toString(),
        fragment: this.#guards.fragments,
      },
    });
    this.#awaitAnswer();
  }

  readonly #onAbort = () => this.#end({ kind: "aborted" });

  #onResponse(response: IWatchResponse): void {
    if (this.#ended) return;
    this.#heardSinceRequest = true;
    if (this.#guards.comparesStores && this.#isOtherStore(response)) {
      this.#end({ kind: "relist", why: "restored" });
    } else if (response.compact_revision !== "0") {
      const compactedTo = BigInt(response.compact_revision);
      this.#end({ kind: "relist", why: "compacted", compactedTo });
    } else if (response.canceled) {
      this.#end({ kind: "failed", error: this.#cancellation(response.cancel_reason) });
    } else {
      this.#handOver(response);
    }
  }

  #isOtherStore({ header, created }: IWatchResponse): boolean {
    return (
      header.cluster_id !== this.#init.clusterId ||
      (created && BigInt(header.revision) < this.#next - 1n)
    );
  }

  #handOver(response: IWatchResponse): void {
    try {
      this.#init.onAlive();
      this.#onEvents(response);
    } catch (error) {
      // A throw out of an event callback would end the process; the revision counts as not handed over.
      this.#end({
        kind: "failed",
        error: error instanceof Error ? error : new Error(String(error)),
      });
    }
  }

  #cancellation(reason: string): Error {
    const { endpoint } = this.#init.client;
    return reason.includes("permission denied")
      ? new EtcdRefusedError(`etcd at ${endpoint} refused the watch: permission denied`)
      : new EtcdUnavailableError(
          `etcd at ${endpoint} cancelled the watch: ${reason || "no reason"}`,
        );
  }

  #onEvents({ events, fragment, created, header }: IWatchResponse): void {
    if (created && this.#guards.resumes === "afterHeader") {
      this.#init.onRevision([], BigInt(header.revision));
    }
    if (events.length === 0) return; // whatever it answers, it ends no fragments
    // Fragments of one answer may cut through a revision; whole answers never do.
    const all = this.#fragments.length === 0 ? events : [...this.#fragments, ...events];
    this.#fragments = fragment ? all : [];
    if (fragment) return;
    for (let begin = 0; begin < all.length && !this.#ended; ) {
      const revision = all[begin]?.kv.mod_revision ?? "";
      let end = begin + 1;
      while (this.#guards.wholeRevisions && all[end]?.kv.mod_revision === revision) end++;
      this.#onRevision(all.slice(begin, end), BigInt(revision));
      begin = end;
    }
  }

  #onRevision(events: readonly IEvent[], revision: bigint): void {
    // etcd before 3.4.38 may hand out older events than were asked for.
    if (revision < this.#next && this.#guards.wholeRevisions) return;
    this.#init.onRevision(
      events.map(({ type, kv }) => ({
        key: kv.key,
        value: type === "Delete" ? undefined : kv.value,
      })),
      revision,
    );
    this.#next = revision + 1n;
  }

  /** Asks for a sign of life, again and again; any message is one. */
  #awaitAnswer(): void {
    if (!this.#guards.detectsSilence) return;
    this.#heardSinceRequest = false;
    const judge = () =>
      this.#heardSinceRequest
        ? this.#after(progressIntervalMs - answerTimeoutMs, () => {
            if (this.#guards.asksForProgress) this.#call.write({ progress_request: {} });
            this.#awaitAnswer();
          })
        : this.#fail("no answer in time");
    this.#after(answerTimeoutMs, () =>
      this.#heardSinceRequest ? judge() : this.#after(lateAnswerGraceMs, judge),
    );
  }

  #after(ms: number, run: () => void): void {
    if (!this.#ended) this.#timer = setTimeout(run, ms);
  }

  #fail(what: string): void {
    const { endpoint } = this.#init.client;
    const error = new EtcdUnavailableError(`Cannot reach etcd at ${endpoint}: ${what}`);
    this.#end({ kind: "failed", error });
  }

  #end(end: WatchEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#call.cancel();
    this.#resolve(end);
  }
}

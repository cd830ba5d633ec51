/**
 * Turns what the compiler makes into committed generations, one commit at a time. While a commit is under way what
 * arrives is merged, and is the next commit; without a commit under way nothing waits. When the store cannot be reached
 * or another process leads, the merged difference is kept and nothing is lost: whenever this process may commit, it
 * commits what is desired and not committed yet.
 *
 * What is desired is kept as difference to what is committed. Other processes commit too, so a key they change against
 * our wish becomes part of the difference, and one they change to our wish leaves it.
 */
import { compareGenerations, type Generation } from "../../config-model/snapshot/generation.ts";
import {
  type Resource,
  type ResourceKey,
  resourceId,
} from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { SourceState } from "../../config-model/snapshot/source-digest.ts";
import type { SourceDigests } from "../../config-model/snapshot/source-digests-text.ts";
import { type BackoffPolicy, backoffDelayMs } from "../../foundation/backoff.ts";
import type { Logger } from "../../foundation/log.ts";
import { sleep } from "../../foundation/sleep.ts";
import type { CommitGuard, CommittedLookup } from "./commit-guard.ts";
import { CommittedSnapshot, PreparationAbandonedError } from "./committed-snapshot.ts";
import type { CommittedState } from "./committed-state.ts";
import { DesiredChanges, isSame } from "./desired-changes.ts";
import {
  defaultLimits,
  type LimitValues,
  PublishLimits,
  type RefusedResource,
} from "./publish-limits.ts";
import {
  type CommittedGeneration,
  NotLeaderError,
  type SnapshotReader,
  type SnapshotStore,
  type StoreHead,
  type StoreNote,
  StoreUnavailableError,
} from "./snapshot-store.ts";

export interface GenerationPublisherInit {
  readonly store: SnapshotStore;
  readonly log: Logger;
  /**
   * Gets what the store holds as it is read, and later what other processes commit, until `publishReady()`: what a
   * provider that has not been read yet is served with.
   */
  readonly carryOver?: (delta: SnapshotDelta) => void;
  /** May make removals wait. */
  readonly guard?: CommitGuard;
  readonly limits?: LimitValues;
  /** Notes of the store, as they are read and change. */
  readonly onNote?: (note: StoreNote) => void;
  readonly backoff?: BackoffPolicy;
  readonly wait?: typeof sleep;
}

interface NextCommit {
  readonly delta: SnapshotDelta;
  readonly sources: SourceDigests;
  readonly at?: { readonly epoch: bigint; readonly number: bigint };
}

const nothing: SnapshotDelta = { upserts: [], removals: [] };
const defaultBackoff: BackoffPolicy = { baseMs: 100, maxMs: 5_000 };

export class GenerationPublisher implements AsyncDisposable {
  readonly #init: GenerationPublisherInit;
  readonly #committed = new CommittedSnapshot();
  readonly #desired: DesiredChanges;
  readonly #stopping = new AbortController();
  /** As the sources were when what is desired was compiled. */
  readonly #sources = new Map<string, SourceState>();
  readonly #limits: PublishLimits;
  /** Why nothing more is published, for as long as that is so. */
  #refusal: string | undefined;
  #ready: boolean = false;
  #leading: boolean = false;
  /** Grows with every word about leadership, so that an old refusal is not taken for a new one. */
  #term = 0;
  /** The store is read again after it had been read whole: what is desired is known already. */
  #rereading: boolean = false;
  #running: boolean = false;
  #committing: Promise<void> | undefined;
  /** The commit that was acknowledged and not yet read. */
  #awaited: { readonly generation: Generation; readonly resolve: () => void } | undefined;

  constructor(init: GenerationPublisherInit) {
    this.#init = init;
    this.#limits = new PublishLimits(init.limits ?? defaultLimits);
    this.#desired = new DesiredChanges((id) => init.guard?.withdrawn(id));
    init.guard?.onRelease((ids) => {
      this.#desired.release(ids);
      this.#wake();
    });
  }

  get committed(): CommittedState {
    return this.#committed;
  }

  /** What is not published for its size, and what is. */
  get sizes() {
    return {
      bytes: this.#limits.bytes,
      refused: this.#limits.refused,
      waiting: this.#refusal,
    };
  }

  /** Nothing waits that could be committed now. */
  get isSettled(): boolean {
    return !this.#running && !this.#desired.isWaiting;
  }

  /** Resolves when the store has been read whole; rejects when it can never be. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => void this.stop(), { once: true });
    this.#init.store.onLeadership((leading) => this.#lead(leading));
    await this.#init.store.open(this.#reader(), signal);
  }

  /** What the compiler made of a change. Never throws and never waits. */
  publish(delta: SnapshotDelta, sources: SourceDigests = new Map()): void {
    const report = ({ reason }: RefusedResource) => this.#init.log.error(reason);
    this.#desired.add(this.#limits.withoutLarge(delta, report));
    for (const [provider, source] of sources) this.#sources.set(provider, source);
    this.#wake();
  }

  /** Everything that is awaited at start has been published; until then nothing is committed. */
  publishReady(): void {
    this.#ready = true;
    this.#wake();
  }

  /** Ends after the commit under way; the store is stopped by whoever made it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#arrived();
    await this.#committing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #lead(leading: boolean): void {
    this.#term++;
    this.#leading = leading;
    if (leading) {
      this.#init.guard?.restart();
      this.#desired.release();
    }
    this.#wake();
  }

  #mayCommit(): boolean {
    if (this.#stopping.signal.aborted || this.#init.guard?.isWaiting === true) return false;
    return this.#ready && this.#leading && this.#committed.head !== undefined;
  }

  #wake(): void {
    if (this.#running || !this.#mayCommit()) return;
    this.#running = true;
    this.#committing = this.#commitAll();
  }

  /** Leaves `#running` in the same turn as it sees that nothing is left, so that no change falls in between. */
  async #commitAll(): Promise<void> {
    try {
      for (let failures = 0; this.#mayCommit(); ) {
        const next = this.#take();
        if (next === undefined) return;
        const term = this.#term;
        try {
          await this.#commit(next);
          failures = 0;
        } catch (error) {
          this.#takeBack(error, term);
          if (this.#mayCommit()) await this.#pause(failures++);
        }
      }
    } finally {
      this.#running = false;
    }
  }

  /** Absent: nothing is left, or what is left has to wait. */
  #take(): NextCommit | undefined {
    const { guard } = this.#init;
    const committed = (id: string) => this.#committed.get(id);
    const taken = this.#desired.take(committed, (removals) => {
      return guard?.admit(removals, committed) ?? new Set();
    });
    if (taken !== undefined && !this.#isWithinLimits(taken, committed)) {
      this.#desired.putBack();
      return undefined;
    }
    if (guard === undefined) return this.#withSources(taken);
    const place = guard.place(taken ?? nothing, committed);
    switch (place.kind) {
      case "wait":
        this.#desired.putBack();
        return undefined;
      case "at":
        return { delta: taken ?? nothing, sources: this.#newSources(), at: place.at };
      case "next": {
        const next = this.#withSources(taken);
        if (next === undefined) guard.settled();
        return next;
      }
    }
  }

  #isWithinLimits(delta: SnapshotDelta, committed: CommittedLookup): boolean {
    const problem = this.#limits.problemOf(delta, committed);
    if (problem !== undefined && problem !== this.#refusal) this.#init.log.error(problem);
    this.#refusal = problem;
    return problem === undefined;
  }

  /** A source that changed is a generation, though it may change no resource: what it held is what anyone compares. */
  #withSources(delta: SnapshotDelta | undefined): NextCommit | undefined {
    const sources = this.#newSources();
    if (delta === undefined && sources === this.#committed.head?.sources) return undefined;
    return { delta: delta ?? nothing, sources };
  }

  /** The committed ones when nothing changed. A revision alone, which others' keys move too, is no change. */
  #newSources(): SourceDigests {
    const before = this.#committed.head?.sources ?? new Map();
    const changed = [...this.#sources].filter(([provider, { digest }]) => {
      const known = before.get(provider);
      return known === undefined || Buffer.compare(known.digest, digest) !== 0;
    });
    return changed.length === 0 ? before : new Map([...before, ...this.#sources]);
  }

  /** Nothing was written in `term`: all of it waits again. */
  #takeBack(error: unknown, term: number): void {
    this.#committed.abandon();
    this.#desired.putBack();
    if (error instanceof NotLeaderError && term === this.#term) this.#leading = false;
    this.#report(error);
  }

  async #pause(failures: number): Promise<void> {
    const delayMs = backoffDelayMs(failures, this.#init.backoff ?? defaultBackoff);
    await (this.#init.wait ?? sleep)(delayMs, this.#stopping.signal);
  }

  async #commit({ delta, sources, at }: NextCommit): Promise<void> {
    const startedAt = performance.now();
    const digest = await this.#committed.prepare(delta);
    const options = { sources, ...(at !== undefined && { at }) };
    const { generation } = await this.#init.store.commit(delta, digest, options);
    this.#init.log.info("generation committed", {
      generation: generation.number,
      upserts: delta.upserts.length,
      removals: delta.removals.length,
      durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
    });
    await this.#untilRead(generation);
    this.#desired.settle();
  }

  /** The next commit builds on this one, so it has to have come back through the reader. */
  async #untilRead(generation: Generation): Promise<void> {
    const newest = this.#committed.head?.generation;
    if (newest === undefined || compareGenerations(newest, generation) >= 0) return;
    if (this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#awaited = { generation, resolve };
    });
  }

  #arrived(): void {
    this.#awaited?.resolve();
    this.#awaited = undefined;
  }

  #report(error: unknown): void {
    if (error instanceof NotLeaderError) {
      this.#init.log.info("changes wait: another control plane leads", { error });
    } else if (error instanceof PreparationAbandonedError) {
      this.#init.log.debug("changes wait: the state they were compared with is another", { error });
    } else if (error instanceof StoreUnavailableError) {
      this.#init.log.warn("changes wait: the snapshot store is out of reach", { error });
    } else {
      this.#init.log.error("changes wait: a commit failed", { error });
    }
  }

  #reader(): SnapshotReader {
    return {
      onPart: (delta) => {
        this.#committed.load(delta);
        this.#init.guard?.loaded(delta.upserts);
        this.#limits.loaded(delta.upserts);
        if (!this.#rereading) this.#init.carryOver?.(delta);
      },
      onHistory: (steps) => this.#committed.loadHistory(steps),
      onHead: (head) => this.#onHead(head),
      onCommit: (commit) => this.#onCommit(commit),
      onNote: (note) => this.#init.onNote?.(note),
      onReset: () => {
        this.#committed.abandon();
        this.#init.guard?.reset();
        this.#limits.clear();
        if (this.#committed.head !== undefined) {
          this.#rereading = true;
          this.#desired.holdAll(this.#committed.resources());
        }
        this.#committed.reset();
        this.#arrived();
      },
    };
  }

  #onHead(head: StoreHead): void {
    if (this.#rereading) {
      this.#rereading = false;
      this.#desired.compareWith(this.#committed.resources());
    }
    this.#guarded(() => this.#committed.finishLoading(head));
    this.#wake();
  }

  #onCommit(commit: CommittedGeneration): void {
    const ours = this.#committed.isPrepared(commit.digest);
    const against = ours ? [] : this.#unwished(commit.delta);
    const before = (id: string) => this.#committed.get(id);
    this.#init.guard?.committing(commit.delta, before);
    this.#limits.committing(commit.delta, before, ours);
    if (!ours) for (const key of commit.delta.removals) this.#desired.withdraw(resourceId(key));
    this.#guarded(() => this.#committed.commit(commit));
    if (this.#ready) {
      for (const { key, resource } of against) this.#desired.set(key, resource);
    } else if (!ours) {
      this.#init.carryOver?.(commit.delta);
    }
    const awaited = this.#awaited?.generation;
    if (awaited !== undefined && compareGenerations(commit.generation, awaited) >= 0) {
      this.#arrived();
    }
    this.#wake();
  }

  /** Of keys another process commits and that are as we wish them: what they are before it. */
  #unwished({ upserts, removals }: SnapshotDelta) {
    const against: { readonly key: ResourceKey; readonly resource: Resource | undefined }[] = [];
    const consider = (key: ResourceKey, next: Resource | undefined) => {
      const id = resourceId(key);
      if (this.#desired.has(id)) return;
      const resource = this.#committed.get(id);
      if (!isSame(resource, next)) against.push({ key, resource });
    };
    for (const resource of upserts) consider(resource, resource);
    for (const key of removals) consider(key, undefined);
    return against;
  }

  /** The store calls back into here: an error must not end its reading. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#init.log.error("nothing is offered until the snapshot store is read anew", { error });
    }
  }
}

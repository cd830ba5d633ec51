/**
 * The snapshot store of several control planes: a log of generations in etcd. A commit writes its delta and the head in one
 * transaction (a large delta is staged before), so a generation is there whole or not at all; when the deltas outgrow
 * the base they are folded into a new one. One leader writes, fenced (`Leadership`, `LogWriter`); every replica
 * follows the head through a watch and holds the newest state, so that a takeover has next to nothing to read.
 *
 * All steps that move the known head (a commit, a head seen in the watch, a reading) run one after another in a queue. Which of
 * them learns of a commit first does not matter: its number tells whether the reader has had it.
 */
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { EtcdConnectionConfig } from "../../config-model/static/static-configuration.ts";
import { backoffDelayMs } from "../../foundation/backoff.ts";
import type { Logger } from "../../foundation/log.ts";
import { SerialQueue } from "../../foundation/serial-queue.ts";
import { sleep } from "../../foundation/sleep.ts";
import { EtcdClient } from "../etcd/etcd-client.ts";
import { etcdBackoff, followRange } from "../etcd/follow-range.ts";
import { prefixRange } from "../etcd/key-range.ts";
import { type Lead, Leadership } from "../etcd/leadership.ts";
import { OutageLog } from "../etcd/outage-log.ts";
import { settledWithin } from "../etcd/settled-within.ts";
import type { RangeEvent } from "../etcd/watch-events.ts";
import { foldLog, shouldFold } from "./etcd-log/fold-log.ts";
import { FollowedLog, type KnownHead, newCommitId } from "./etcd-log/followed-log.ts";
import { LogKeys } from "./etcd-log/log-keys.ts";
import { FencedError, LogWriter, NotWrittenError } from "./etcd-log/log-writer.ts";
import { type HeadReading, LogGapError } from "./etcd-log/read-log.ts";
import { type Replica, ReplicaPresence } from "./etcd-log/replica-presence.ts";
import { StaticGate, type StaticState, staticNote } from "./etcd-log/static-gate.ts";
import { decodeHead, type StoredHead } from "./etcd-log/stored-head.ts";
import { encodeRecord } from "./etcd-log/stored-record.ts";
import {
  type CommitOptions,
  type CommittedGeneration,
  maxNoteBytes,
  type NoteChange,
  NotLeaderError,
  type SnapshotReader,
  type SnapshotStore,
  type StoreNote,
  StoreUnavailableError,
} from "./snapshot-store.ts";

/** What a leader needs to write. */
interface Writable {
  readonly lead: Lead;
  readonly followed: FollowedLog;
  readonly known: KnownHead;
}

export interface EtcdSnapshotStoreInit {
  /** `rootKey` is that of the store (`switchyard`), not of the provider. */
  readonly etcd: EtcdConnectionConfig;
  readonly log: Logger;
  /** How long a leader that vanished goes on to count as one; whole seconds, default 5. */
  readonly leaseTtlSeconds?: number;
  /** Of this control plane's static configuration; absent: whoever is there may lead. */
  readonly staticDigest?: string;
  /** `HOST:PORT` where nodes elsewhere find this control plane. */
  readonly streamAddress?: string | undefined;
  /** For tests that show what they are for; all on by default. */
  readonly guards?: Partial<StoreGuards>;
}

interface StoreGuards {
  /** Every write compares the leader key and what it replaces. */
  readonly fence: boolean;
  /** What a leader's term is measured with. */
  readonly now: () => number;
}

const defaultLeaseTtlSeconds = 5;
const stopGraceMs = 1_000;

export class EtcdSnapshotStore implements SnapshotStore {
  readonly #log: Logger;
  readonly #keys: LogKeys;
  /** Calls, the watch, and the lease: none may wait behind another, nor lose its connection with it. */
  readonly #clients: Readonly<Record<"calls" | "watch" | "lease", EtcdClient>>;
  readonly #leadership: Leadership;
  readonly #presence: ReplicaPresence | undefined;
  readonly #gate: StaticGate | undefined;
  readonly #writer: LogWriter;
  readonly #outage: OutageLog;
  readonly #queue = new SerialQueue();
  readonly #stopping = new AbortController();
  readonly #listeners: ((leading: boolean) => void)[] = [];
  #followed: FollowedLog | undefined;
  /** The term this process may commit in: gained, and the reader brought to the newest head since. */
  #lead: Lead | undefined;
  #folding: Promise<void> | undefined;
  #running: Promise<unknown> = Promise.resolve();
  /** Ends the watch under way, so that the log is read anew. */
  #resync = new AbortController();

  constructor(init: EtcdSnapshotStoreInit) {
    const { etcd, log, leaseTtlSeconds = defaultLeaseTtlSeconds, guards = {} } = init;
    this.#log = log;
    this.#keys = new LogKeys(etcd.rootKey.replace(/^\/+|\/+$/g, ""));
    this.#clients = {
      calls: new EtcdClient(etcd),
      watch: new EtcdClient(etcd),
      lease: new EtcdClient(etcd),
    };
    this.#writer = new LogWriter(this.#clients.calls, this.#keys, {
      signal: this.#stopping.signal,
      isFenced: guards.fence ?? true,
    });
    if (init.staticDigest !== undefined) {
      const presence = new ReplicaPresence(this.#clients.calls, this.#keys, {
        ttlSeconds: leaseTtlSeconds,
        stream: init.streamAddress,
        staticDigest: init.staticDigest,
      });
      this.#presence = presence;
      this.#gate = new StaticGate({
        own: init.staticDigest,
        others: () => presence.look(),
        graceMs: (leaseTtlSeconds + 1) * 1_000,
        log,
      });
    }
    this.#outage = new OutageLog("Snapshot store in etcd", log);
    this.#leadership = new Leadership({
      client: this.#clients.lease,
      key: this.#keys.leader,
      ttlSeconds: leaseTtlSeconds,
      log,
      ...(guards.now !== undefined && { now: guards.now }),
      mayStand: async () => (await this.#gate?.mayStand()) ?? true,
      onGained: (lead) => void this.#queue.run(() => this.#takeOver(lead)),
      onLost: () => this.#setLead(undefined),
    });
  }

  async open(reader: SnapshotReader, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#followed !== undefined) throw new Error("Cannot open snapshot store: it is open");
    signal.addEventListener("abort", () => void this.stop(), { once: true });
    const followed = new FollowedLog(this.#clients.calls, this.#keys, {
      onPart: (delta) => reader.onPart(delta),
      onHistory: (steps) => reader.onHistory?.(steps),
      onHead: (head) => reader.onHead(head),
      onCommit: (commit) => reader.onCommit(commit),
      onNote: (note) => this.#onNote(note, reader),
      onReset: () => reader.onReset(),
    });
    this.#followed = followed;
    const opened = Promise.withResolvers<void>();
    const following = this.#follow(followed, opened.resolve);
    const openedOrStopped = Promise.race([opened.promise, following]);
    const leading = openedOrStopped.then(() => this.#leadership.run(this.#stopping.signal));
    const present = this.#presence?.run(this.#stopping.signal);
    this.#running = Promise.all([following, leading, present]);
    await openedOrStopped;
  }

  onLeadership(onChange: (leading: boolean) => void): void {
    this.#listeners.push(onChange);
    onChange(this.#lead !== undefined);
  }

  async commit(
    delta: SnapshotDelta,
    digest: Uint8Array,
    { sources, at }: CommitOptions = {},
  ): Promise<CommittedGeneration> {
    return await this.#queue.run(async () => {
      const { lead, followed, known } = this.#writable("commit");
      const generation = {
        fleetId: known.head.fleetId,
        epoch: at?.epoch ?? known.head.epoch,
        number: at?.number ?? known.head.number + 1n,
      };
      const commit = { generation, digest, delta, sources: sources ?? known.head.sources };
      const isJump = at !== undefined;
      await followed.accept(commit, await this.#write({ lead, followed, known }, commit, isJump));
      this.#foldWhenLarge(lead, followed);
      return commit;
    });
  }

  async writeNote({ name, asLeader, ...change }: NoteChange): Promise<boolean> {
    if (Buffer.byteLength(change.to ?? "") + name.length > maxNoteBytes) {
      throw new Error(`Cannot write note ${name}: it is longer than ${maxNoteBytes} bytes`);
    }
    return await this.#queue.run(async () => {
      const followed = this.#followed;
      const lead = asLeader ? this.#leadership.current() : undefined;
      if (asLeader && (lead === undefined || lead !== this.#lead)) return false;
      try {
        const isWritten = await this.#writer.replaceNote(this.#keys.note(name), change, lead);
        if (isWritten) followed?.note(name, change.to);
        return isWritten;
      } catch (error) {
        throw new StoreUnavailableError("Cannot write to the snapshot store in etcd", {
          cause: error,
        });
      }
    });
  }

  /** Of the static configuration; absent when nobody asked to compare it. */
  get staticState(): StaticState | undefined {
    return this.#gate?.state;
  }

  get others(): readonly Replica[] {
    return this.#presence?.others ?? [];
  }

  /** This control plane has another static configuration now; resolves when it leads no longer, should it have to. */
  async useStaticDigest(digest: string): Promise<void> {
    if (this.#gate === undefined || this.#presence === undefined) return;
    this.#gate.own = digest;
    this.#presence.staticDigest = digest;
    const lead = this.#lead;
    if (lead === undefined) return;
    if ((await this.#presence.look()).length === 0) await this.#commitStatic(lead);
    else this.#stepAside();
  }

  /** This control plane's static configuration is to be the fleet's: who has another one leads no longer. */
  async adoptStatic(): Promise<boolean> {
    const state = this.#gate?.state;
    if (state === undefined || state.own === state.committed) return true;
    const { committed: from, own: to } = state;
    return await this.writeNote({ name: staticNote, from, to, asLeader: false });
  }

  async adoptFleet(fleetId: string): Promise<void> {
    await this.#queue.run(async () => {
      const { lead, followed, known } = this.#writable("adopt a fleet");
      const head = { ...known.head, fleetId, commitId: newCommitId() };
      try {
        await this.#writer.replaceHead({ lead, from: known, to: head, operations: [] });
      } catch (error) {
        throw this.#commitError(error, lead, followed, known);
      }
    });
    this.#resync.abort();
  }

  #onNote(note: StoreNote, reader: SnapshotReader): void {
    if (note.name === staticNote && this.#gate !== undefined) {
      this.#gate.committed = note.text;
      if (this.#lead !== undefined && note.text !== undefined && !this.#gate.isCommitted) {
        this.#stepAside();
      }
      this.#leadership.reconsider();
    }
    reader.onNote?.(note);
  }

  /** Nothing is written from now on; the key is given back as soon as etcd answers. */
  #stepAside(): void {
    this.#setLead(undefined);
    this.#leadership.reconsider();
  }

  async #commitStatic(lead: Lead): Promise<void> {
    if (this.#gate === undefined || this.#gate.isCommitted) return;
    const { committed: from, own: to } = this.#gate.state;
    const key = this.#keys.note(staticNote);
    if (await this.#writer.replaceNote(key, { from, to }, lead)) {
      this.#followed?.note(staticNote, to);
    }
  }

  #writable(what: string): Writable {
    const lead = this.#leadership.current();
    const followed = this.#followed;
    const known = followed?.known;
    if (this.#stopping.signal.aborted) throw new StoreUnavailableError("It is stopped");
    if (lead === undefined || lead !== this.#lead || !followed || !known) {
      throw new NotLeaderError(`Cannot ${what}: this control plane does not lead`);
    }
    return { lead, followed, known };
  }

  /** Hands leadership back, so that another replica takes over at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#resync.abort();
    const ended = Promise.all([this.#running, this.#folding]).then(() => this.#queue.idle());
    await settledWithin(stopGraceMs, ended);
    for (const client of Object.values(this.#clients)) client.close();
  }

  async #write(
    { lead, followed, known: from }: Writable,
    { generation, digest, delta, sources }: CommittedGeneration,
    isJump: boolean,
  ): Promise<KnownHead> {
    const { number, epoch } = generation;
    try {
      const commitId = newCommitId();
      // After a jump no delta leads here: the state itself is the record, and a base.
      const content = isJump ? { upserts: followed.resourcesAfter(delta), removals: [] } : delta;
      const values = encodeRecord({ epoch, number, commitId, digest }, content);
      const staged = await this.#writer.stage(lead, "delta", number, values);
      // What makes everything out of nothing is the best base there could be, and need not be written twice.
      const isBase = isJump || (followed.size === 0 && delta.removals.length === 0);
      const head: StoredHead = {
        ...from.head,
        epoch,
        number,
        digest,
        commitId,
        base: isBase ? { place: "delta", number, bytes: staged.bytes } : from.head.base,
        deltaBytes: isBase ? 0 : from.head.deltaBytes + staged.bytes,
        sources,
      };
      const write = { lead, from, to: head, operations: staged.pending };
      return { head, modRevision: await this.#writer.replaceHead(write) };
    } catch (error) {
      throw this.#commitError(error, lead, followed, from);
    }
  }

  #commitError(error: unknown, lead: Lead, followed: FollowedLog, from: KnownHead): unknown {
    if (error instanceof FencedError) {
      this.#leadership.refused(lead);
      this.#setLead(undefined);
      return new NotLeaderError("Cannot commit: another control plane leads", { cause: error });
    }
    if (error instanceof NotWrittenError) {
      followed.acceptHead({ head: from.head, modRevision: error.modRevision });
    }
    return new StoreUnavailableError("Cannot commit to the snapshot store in etcd", {
      cause: error,
    });
  }

  #foldWhenLarge(lead: Lead, followed: FollowedLog): void {
    const head = followed.known?.head;
    if (this.#folding !== undefined || head === undefined || !shouldFold(head)) return;
    const generation = head.number;
    this.#folding = foldLog({
      lead,
      followed,
      writer: this.#writer,
      keys: this.#keys,
      queue: this.#queue,
    })
      .then(
        () => this.#log.debug("snapshot store folded", { generation }),
        // Nothing is lost: the next commit tries again.
        (error) => this.#log.warn("snapshot store could not be folded", { error }),
      )
      .finally(() => {
        this.#folding = undefined;
      });
  }

  /** Reads, then follows, and reads again whenever following is not possible any more. */
  async #follow(followed: FollowedLog, onRead: () => void): Promise<void> {
    let distrust = false;
    for (let failures = 0; !this.#stopping.signal.aborted; ) {
      const resync = new AbortController();
      this.#resync = resync;
      try {
        const read = await this.#queue.run(() => followed.synchronise(distrust));
        [distrust, failures] = [false, 0];
        this.#outage.recovered();
        onRead();
        distrust = (await this.#watch(followed, read, resync)) === "restored";
      } catch (error) {
        this.#outage.failed(error instanceof Error ? error : new Error(String(error)));
        await sleep(backoffDelayMs(failures++, etcdBackoff), this.#stopping.signal);
      }
    }
  }

  async #watch(followed: FollowedLog, read: HeadReading, resync: AbortController) {
    return await followRange(
      {
        client: this.#clients.watch,
        range: prefixRange(this.#keys.watched),
        clusterId: read.clusterId,
        fromRevision: read.revision + 1n,
        onRevision: (events, revision) => this.#onRevision(followed, events, revision, resync),
        onUnavailable: (error) => void this.#outage.failed(error),
        onAvailable: () => void this.#outage.recovered(),
      },
      AbortSignal.any([this.#stopping.signal, resync.signal]),
    );
  }

  #onRevision(
    followed: FollowedLog,
    events: readonly RangeEvent[],
    modRevision: bigint,
    resync: AbortController,
  ): void {
    this.#onNotes(followed, events);
    const headEvent = events.find(({ key }) => key.toString() === this.#keys.head);
    if (headEvent === undefined) return;
    const step = async () => {
      if (headEvent.value === undefined) throw new LogGapError("The snapshot store was emptied");
      const head = decodeHead(headEvent.value);
      const values = events.flatMap(({ key, value }) =>
        value !== undefined && this.#keys.deltaNumber(key.toString()) === head.number ? value : [],
      );
      await followed.advance({ head, modRevision }, values);
    };
    this.#queue.run(step).catch((error) => {
      this.#log.debug("snapshot store is read again", { error });
      resync.abort();
    });
  }

  #onNotes(followed: FollowedLog, events: readonly RangeEvent[]): void {
    for (const { key, value } of events) {
      const name = this.#keys.noteName(key.toString());
      if (name === undefined) continue;
      void this.#queue.run(async () => followed.note(name, value?.toString()));
    }
  }

  /** Commits are allowed once the reader has been told all that the leaders before have committed. */
  async #takeOver(lead: Lead): Promise<void> {
    const isCurrent = () => this.#leadership.current() === lead && !this.#stopping.signal.aborted;
    for (let failures = 0; isCurrent(); failures++) {
      try {
        const read = await this.#followed?.synchronise(false);
        if (read === undefined) return;
        // What a leader staged and never committed would mingle with what is staged next.
        const leftOver = this.#keys.records("delta", read.head.number + 1n);
        await this.#writer.fenced(lead, [{ kind: "delete", range: leftOver }]);
        await this.#commitStatic(lead);
        if (isCurrent()) this.#setLead(lead);
        return;
      } catch (error) {
        if (error instanceof FencedError) return this.#leadership.refused(lead);
        this.#outage.failed(error instanceof Error ? error : new Error(String(error)));
        await sleep(backoffDelayMs(failures, etcdBackoff), this.#stopping.signal);
      }
    }
  }

  #setLead(lead: Lead | undefined): void {
    if (lead === this.#lead) return;
    this.#lead = lead;
    this.#log.info(lead === undefined ? "leadership lost" : "this control plane leads");
    for (const listener of this.#listeners) listener(lead !== undefined);
  }
}

/** A snapshot store in memory whose faults a test chooses. Meets the contract of snapshot-store.ts. */
import type { Generation } from "../../config-model/snapshot/generation.ts";
import { KeyedSnapshot } from "../../config-model/snapshot/keyed-snapshot.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type {
  CommitOptions,
  CommittedGeneration,
  NoteChange,
  SnapshotReader,
  SnapshotStore,
  StoreHead,
} from "../../control-plane/snapshot-store/snapshot-store.ts";

export class MemorySnapshotStore implements SnapshotStore {
  readonly commits: CommittedGeneration[] = [];
  readonly notes = new Map<string, string>();
  readonly #resources = new KeyedSnapshot();
  #head: StoreHead;
  #reader: SnapshotReader | undefined;
  #onLeadership: ((leading: boolean) => void) | undefined;
  /** Awaited by every commit before it is written: throw to refuse, wait to hold. */
  beforeCommit: (delta: SnapshotDelta) => Promise<void> | void = () => {};

  constructor(fleetId = "fleet-a", seed: SnapshotDelta = { upserts: [], removals: [] }) {
    this.#head = { fleetId, generation: undefined, digest: undefined, sources: new Map() };
    if (seed.upserts.length > 0) this.#write(seed);
  }

  get generation(): Generation | undefined {
    return this.#head.generation;
  }

  async open(reader: SnapshotReader): Promise<void> {
    this.#reader = reader;
    this.#deliverAll();
  }

  onLeadership(onChange: (leading: boolean) => void): void {
    this.#onLeadership = onChange;
    onChange(true);
  }

  setLeading(leading: boolean): void {
    this.#onLeadership?.(leading);
  }

  async commit(
    delta: SnapshotDelta,
    _digest?: Uint8Array,
    options?: CommitOptions,
  ): Promise<CommittedGeneration> {
    await this.beforeCommit(delta);
    return this.commitByOther(delta, options);
  }

  async writeNote({ name, from, to }: NoteChange): Promise<boolean> {
    if (this.notes.get(name) !== from) return false;
    if (to === undefined) this.notes.delete(name);
    else this.notes.set(name, to);
    this.#reader?.onNote?.({ name, text: to });
    return true;
  }

  async adoptFleet(fleetId: string): Promise<void> {
    this.#reader?.onReset();
    this.#head = { ...this.#head, fleetId };
    this.#deliverAll();
  }

  /** What a commit of another process looks like to the reader. */
  commitByOther(delta: SnapshotDelta, options?: CommitOptions): CommittedGeneration {
    const commit = this.#write(delta, options);
    this.#reader?.onCommit(commit);
    return commit;
  }

  /** The store is replaced by one that holds `seed`. */
  replace(fleetId: string, seed: SnapshotDelta): void {
    this.#reader?.onReset();
    this.#resources.apply({ upserts: [], removals: [...this.#resources.resources()] });
    this.#head = { fleetId, generation: undefined, digest: undefined, sources: new Map() };
    if (seed.upserts.length > 0) this.#write(seed);
    this.#deliverAll();
  }

  async stop(): Promise<void> {
    this.#reader = undefined;
  }

  #write(delta: SnapshotDelta, { sources, at }: CommitOptions = {}): CommittedGeneration {
    this.#resources.apply(delta);
    const digest = this.#resources.digest();
    const { fleetId } = this.#head;
    const number = at?.number ?? (this.#head.generation?.number ?? 0n) + 1n;
    const epoch = at?.epoch ?? this.#head.generation?.epoch ?? 1n;
    const generation = { fleetId, epoch, number };
    const commit = { generation, digest, delta, sources: sources ?? this.#head.sources };
    this.#head = { fleetId, generation, digest, sources: commit.sources };
    this.commits.push(commit);
    return commit;
  }

  #deliverAll(): void {
    this.#reader?.onPart({ upserts: [...this.#resources.resources()], removals: [] });
    for (const [name, text] of this.notes) this.#reader?.onNote?.({ name, text });
    this.#reader?.onHead(this.#head);
  }
}

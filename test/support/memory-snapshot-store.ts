/** A snapshot store in memory whose faults a test chooses. Meets the contract of snapshot-store.ts. */
import type { Generation } from "../../config-model/snapshot/generation.ts";
import { KeyedSnapshot } from "../../config-model/snapshot/keyed-snapshot.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type {
  CommittedGeneration,
  SnapshotReader,
  SnapshotStore,
  StoreHead,
} from "../../control-plane/snapshot-store/snapshot-store.ts";

export class MemorySnapshotStore implements SnapshotStore {
  readonly commits: CommittedGeneration[] = [];
  readonly #resources = new KeyedSnapshot();
  #head: StoreHead;
  #reader: SnapshotReader | undefined;
  #onLeadership: ((leading: boolean) => void) | undefined;
  /** Awaited by every commit before it is written: throw to refuse, wait to hold. */
  beforeCommit: (delta: SnapshotDelta) => Promise<void> | void = () => {};

  constructor(fleetId = "fleet-a", seed: SnapshotDelta = { upserts: [], removals: [] }) {
    this.#head = { fleetId, generation: undefined, digest: undefined };
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

  async commit(delta: SnapshotDelta): Promise<CommittedGeneration> {
    await this.beforeCommit(delta);
    return this.commitByOther(delta);
  }

  /** What a commit of another process looks like to the reader. */
  commitByOther(delta: SnapshotDelta): CommittedGeneration {
    const commit = this.#write(delta);
    this.#reader?.onCommit(commit);
    return commit;
  }

  /** The store is replaced by one that holds `seed`. */
  replace(fleetId: string, seed: SnapshotDelta): void {
    this.#reader?.onReset();
    this.#resources.apply({ upserts: [], removals: [...this.#resources.resources()] });
    this.#head = { fleetId, generation: undefined, digest: undefined };
    if (seed.upserts.length > 0) this.#write(seed);
    this.#deliverAll();
  }

  async stop(): Promise<void> {
    this.#reader = undefined;
  }

  #write(delta: SnapshotDelta): CommittedGeneration {
    this.#resources.apply(delta);
    const digest = this.#resources.digest();
    const number = (this.#head.generation?.number ?? 0n) + 1n;
    const generation = { fleetId: this.#head.fleetId, epoch: 1n, number };
    this.#head = { fleetId: generation.fleetId, generation, digest };
    const commit = { generation, digest, delta };
    this.commits.push(commit);
    return commit;
  }

  #deliverAll(): void {
    this.#reader?.onPart({ upserts: [...this.#resources.resources()], removals: [] });
    this.#reader?.onHead(this.#head);
  }
}

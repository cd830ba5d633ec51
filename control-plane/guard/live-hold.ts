import { type ResourceKey, resourceId } from "../../config-model/snapshot/resource.ts";
import type { RemovalHold } from "./removal-hold.ts";
import { classOf } from "./removal-window.ts";

/** A hold with what waits in this process, which is nothing unless it leads. */
export class LiveHold {
  /** As the store has it. */
  record: RemovalHold;
  /** Ids of the resources whose removal waits. */
  readonly waiting = new Map<string, "routers" | "services" | "others">();
  #sample: string[] = [];
  #kept: Set<string> | undefined;

  constructor(record: RemovalHold) {
    this.record = record;
    this.#kept = record.kept && new Set(record.kept);
  }

  /** Every removal of the provider falls under it. */
  get isBlanket(): boolean {
    return !this.record.isRestored && (this.record.state !== "dismissed" || !this.#kept);
  }

  /** Dismissed, and what it keeps is not written down yet. */
  get needsKept(): boolean {
    const { isRestored, state } = this.record;
    return !isRestored && state === "dismissed" && this.#kept === undefined;
  }

  get isEmpty(): boolean {
    return this.waiting.size === 0 && (this.#kept?.size ?? 0) === 0;
  }

  /** What waits is judged anew. */
  restart(): void {
    this.waiting.clear();
    this.#sample = [];
  }

  keeps(id: string): boolean {
    return this.#kept?.has(id) === true;
  }

  add(key: ResourceKey, sampleSize: number): void {
    this.waiting.set(resourceId(key), classOf(key) ?? "others");
    if (this.#sample.length < sampleSize) this.#sample.push(key.name);
  }

  /** Whether it waited here. */
  withdraw(id: string): boolean {
    this.#kept?.delete(id);
    return this.waiting.delete(id);
  }

  /** What is kept and does not wait: the source has named it while this process did not lead. */
  forgetReturned(): void {
    if (this.#kept === undefined || this.#kept.size <= this.waiting.size) return;
    for (const id of this.#kept) if (!this.waiting.has(id)) this.#kept.delete(id);
  }

  releaseAll(): string[] {
    const ids = [...this.waiting.keys()];
    this.waiting.clear();
    return ids;
  }

  keepWaiting(): void {
    this.#kept = new Set(this.waiting.keys());
  }

  reopen(): void {
    this.record = { ...this.record, state: "open" };
    this.#kept = undefined;
  }

  report(): RemovalHold {
    const { record, waiting } = this;
    const kept = this.#kept && [...this.#kept];
    if (waiting.size === 0) return { ...record, kept };
    const counts = { routers: 0, services: 0, others: 0 };
    for (const counted of waiting.values()) counts[counted] += 1;
    return {
      ...record,
      routers: counts.routers,
      services: counts.services,
      objects: waiting.size,
      sample: this.#sample.length > 0 ? this.#sample : record.sample,
      kept,
    };
  }
}

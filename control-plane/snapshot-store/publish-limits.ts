/**
 * What a generation may hold. Refused here, with a sentence, is what would otherwise fail where it hurts: in a message no
 * node can take, a request etcd refuses, a database that is full. One object that is too large stays as it was, and the rest
 * goes on; a generation that is too large as a whole waits, and the one before it is served.
 */
import {
  type Resource,
  type ResourceKey,
  resourceId,
} from "../../config-model/snapshot/resource.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { CommittedLookup } from "./commit-guard.ts";

export interface LimitValues {
  /** Of one resource, with its name. */
  readonly resourceBytes: number;
  readonly resources: number;
  /** Of all resources together. */
  readonly snapshotBytes: number;
  /** By which one generation may be larger than the one before. */
  readonly growthBytes: number;
}

/**
 * A chunk is one resource at least, and nodes take messages of 64 MiB. etcd holds 2 GiB unless told otherwise: a state, the
 * deltas since, and the next base beside them, and as much again until it is compacted.
 */
export const defaultLimits: LimitValues = {
  resourceBytes: 16 * 1024 * 1024,
  resources: 1_000_000,
  snapshotBytes: 384 * 1024 * 1024,
  growthBytes: 256 * 1024 * 1024,
};

export interface RefusedResource {
  readonly resource: ResourceKey;
  readonly reason: string;
}

interface SizeChange {
  readonly bytes: number;
  readonly resources: number;
}

export class PublishLimits {
  readonly #limits: LimitValues;
  readonly #refused = new Map<string, RefusedResource>();
  #bytes = 0;
  #resources = 0;
  /** What the delta asked about last makes of the sizes. */
  #asked: { readonly delta: SnapshotDelta; readonly change: SizeChange } | undefined;

  constructor(limits: LimitValues) {
    this.#limits = limits;
  }

  /** Of the newest committed generation. */
  get bytes(): number {
    return this.#bytes;
  }

  get refused(): readonly RefusedResource[] {
    return [...this.#refused.values()];
  }

  clear(): void {
    this.#asked = undefined;
    this.#bytes = 0;
    this.#resources = 0;
  }

  loaded(resources: readonly Resource[]): void {
    for (const resource of resources) this.#bytes += bytesOf(resource);
    this.#resources += resources.length;
  }

  /** `isAsked`: of the delta that was asked about last, and nothing has been committed since. */
  committing(delta: SnapshotDelta, before: CommittedLookup, isAsked: boolean): void {
    const asked = isAsked && this.#asked?.delta === delta ? this.#asked.change : undefined;
    this.#asked = undefined;
    const { bytes, resources } = asked ?? changeOf(delta, before);
    this.#bytes += bytes;
    this.#resources += resources;
  }

  /** Without what is too large, which is told of; the same delta when nothing is. */
  withoutLarge(delta: SnapshotDelta, onRefused: (refused: RefusedResource) => void): SnapshotDelta {
    if (this.#refused.size > 0) {
      for (const key of [...delta.removals, ...delta.upserts])
        this.#refused.delete(resourceId(key));
    }
    const isLarge = (resource: Resource) => bytesOf(resource) > this.#limits.resourceBytes;
    if (!delta.upserts.some(isLarge)) return delta;
    for (const resource of delta.upserts.filter(isLarge)) {
      const { kind, name } = resource;
      const what = objectKeyOf(resource)?.kind ?? "object";
      const refused = {
        resource: { kind, name },
        reason: `Cannot publish ${what} "${shownText(name)}": it has ${bytesOf(resource)} bytes, ${this.#limits.resourceBytes} is the most a node can be sent`,
      };
      this.#refused.set(resourceId(resource), refused);
      onRefused(refused);
    }
    return { upserts: delta.upserts.filter((each) => !isLarge(each)), removals: delta.removals };
  }

  /** Why the generation after `delta` cannot be published; absent when it can. */
  problemOf(delta: SnapshotDelta, committed: CommittedLookup): string | undefined {
    const change = changeOf(delta, committed);
    this.#asked = { delta, change };
    const { resources, snapshotBytes, growthBytes } = this.#limits;
    const [count, bytes] = [this.#resources + change.resources, this.#bytes + change.bytes];
    // What makes a generation smaller is never refused, however large it still is.
    if (change.resources > 0 && count > resources) {
      return `Cannot publish ${count} resources: ${resources} is the most a generation may have`;
    }
    if (change.bytes > 0 && bytes > snapshotBytes) {
      return `Cannot publish a generation of ${bytes} bytes: ${snapshotBytes} is the most it may have`;
    }
    if (change.bytes > growthBytes) {
      return `Cannot publish a generation that is ${change.bytes} bytes larger than the one before: ${growthBytes} is the most it may grow by`;
    }
    return undefined;
  }
}

function changeOf({ upserts, removals }: SnapshotDelta, before: CommittedLookup): SizeChange {
  let [bytes, resources] = [0, 0];
  for (const resource of upserts) {
    const replaced = before(resourceId(resource));
    bytes += bytesOf(resource) - (replaced === undefined ? 0 : bytesOf(replaced));
    if (replaced === undefined) resources += 1;
  }
  for (const key of removals) {
    const removed = before(resourceId(key));
    if (removed === undefined) continue;
    bytes -= bytesOf(removed);
    resources -= 1;
  }
  return { bytes, resources };
}

/** A name is rarely of other characters than those of one byte. */
function bytesOf({ name, payload }: Resource): number {
  return payload.byteLength + name.length;
}

import { compareGenerations, type Generation } from "../../config-model/snapshot/generation.ts";
import { type ResourceKey, resourceId } from "../../config-model/snapshot/resource.ts";
import type { HeldState } from "./committed-state.ts";
import type { CommittedGeneration, PastStep } from "./snapshot-store.ts";

/**
 * Which keys changed in each of the last generations: enough to make a delta from any of them out of the newest state.
 * Bounded by keys, not generations, because keys are what it costs; no payload is kept.
 */
export class ChangeHistory {
  readonly #maxKeys: number;
  /** Of the first step nobody asks what it changed. */
  #steps: PastStep[] = [];
  #keyCount = 0;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  /** Forgets everything; `start` is the state that later changes build on. */
  restart(start: HeldState | undefined): void {
    this.#steps = start === undefined ? [] : [{ ...start, keys: [] }];
    this.#keyCount = 0;
  }

  add({ generation, digest, delta }: CommittedGeneration): void {
    // Copied: an upsert is a key too, and would keep its payload alive.
    const keys = [...delta.upserts, ...delta.removals].map(({ kind, name }) => ({ kind, name }));
    this.#push({ generation, digest, keys });
  }

  /** What was remembered elsewhere: oldest first, without gaps. */
  resume(steps: readonly PastStep[]): void {
    const [first, ...later] = steps;
    this.restart(first);
    for (const step of later) this.#push(step);
  }

  #push(step: PastStep): void {
    this.#steps.push(step);
    this.#keyCount += step.keys.length;
    let forgotten = 0;
    while (this.#keyCount > this.#maxKeys && forgotten < this.#steps.length - 1) {
      forgotten++; // the step that becomes the first is only built upon: its own keys go
      this.#keyCount -= this.#steps[forgotten]?.keys.length ?? 0;
    }
    if (forgotten > 0) {
      this.#steps.splice(0, forgotten);
      const [first] = this.#steps;
      if (first !== undefined) this.#steps[0] = { ...first, keys: [] };
    }
  }

  /** Keys that changed after `base`, each once; absent when `base` is not remembered or was another state. */
  since({ generation, digest }: HeldState): ResourceKey[] | undefined {
    const at = this.#indexOf(generation);
    const step = this.#steps[at];
    if (step === undefined || Buffer.compare(step.digest, digest) !== 0) return undefined;
    const keys = new Map<string, ResourceKey>();
    for (let index = at + 1; index < this.#steps.length; index++) {
      for (const key of this.#steps[index]?.keys ?? []) keys.set(resourceId(key), key);
    }
    return [...keys.values()];
  }

  /** -1 when it is not there. */
  #indexOf(generation: Generation): number {
    let low = 0;
    let high = this.#steps.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const step = this.#steps[middle];
      if (step === undefined) break;
      const order = compareGenerations(step.generation, generation);
      if (order === 0) return step.generation.fleetId === generation.fleetId ? middle : -1;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

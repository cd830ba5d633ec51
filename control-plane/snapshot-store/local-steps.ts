/**
 * What each of the last generations of the local store changed, by name: a row beside the resources, written in the
 * transaction of the commit. It makes the differences that data planes behind are sent after a restart.
 */
import type { ResourceKey } from "../../config-model/snapshot/resource.ts";
import type { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { LocalDatabase } from "./local-database.ts";
import type { CommittedGeneration, PastStep } from "./snapshot-store.ts";

/** A commit of more changes than these is a load: whoever is behind it is as well served with everything. */
const maxStepKeys = 5_000;
const maxSteps = 1_000;
/** Of all steps together, as text. */
const maxTextBytes = 4 * 1024 * 1024;
/** Looking at all steps for every commit would cost more than what is too old. */
const forgetEvery = 16n;

type Statement = ReturnType<LocalDatabase["prepare"]>;

export class LocalSteps {
  readonly #insert: Statement;
  readonly #forget: Statement;
  readonly #forgetAll: Statement;
  readonly #read: Statement;

  constructor(database: LocalDatabase) {
    this.#insert = database.prepare(
      "INSERT OR REPLACE INTO step (number, epoch, digest, keys) VALUES (?, ?, ?, ?)",
    );
    this.#forget = database.prepare(
      `DELETE FROM step WHERE number <= ? OR number <= (
         SELECT MAX(number) FROM (
           SELECT number, SUM(LENGTH(keys)) OVER (ORDER BY number DESC) AS bytes FROM step
         ) WHERE bytes > ?
       )`,
    );
    this.#forgetAll = database.prepare("DELETE FROM step");
    this.#read = database.prepare("SELECT number, epoch, digest, keys FROM step ORDER BY number");
    this.#read.setReadBigInts(true);
  }

  /** Within the transaction of the commit. `isJump`: no delta leads here. */
  write({ generation, digest, delta }: CommittedGeneration, isJump: boolean): void {
    const { number, epoch } = generation;
    const count = delta.upserts.length + delta.removals.length;
    const isBeginning = isJump || count > maxStepKeys;
    if (isBeginning) this.#forgetAll.run();
    const keys: [number, string][] = [];
    if (!isBeginning) {
      for (const { kind, name } of delta.upserts) keys.push([kind, name]);
      for (const { kind, name } of delta.removals) keys.push([kind, name]);
    }
    this.#insert.run(number, epoch, digest, JSON.stringify(keys));
    if (number % forgetEvery === 0n) this.#forget.run(number - BigInt(maxSteps), maxTextBytes);
  }

  /** Oldest first, without gaps; whatever of it does not lead to `head` is for the reader to see. */
  read(fleetId: string): readonly PastStep[] {
    const steps: PastStep[] = [];
    for (const row of this.#read.iterate()) {
      const { number, epoch, digest, keys } = row as unknown as {
        readonly number: bigint;
        readonly epoch: bigint;
        readonly digest: Uint8Array;
        readonly keys: string;
      };
      const before = steps.at(-1)?.generation;
      // A version that writes no steps was at work in between.
      if (before !== undefined && before.number + 1n !== number) steps.length = 0;
      const named = JSON.parse(keys) as readonly [ResourceKind, string][];
      steps.push({
        generation: { fleetId, epoch, number },
        digest,
        keys: named.map(([kind, name]): ResourceKey => ({ kind, name })),
      });
    }
    return steps;
  }
}

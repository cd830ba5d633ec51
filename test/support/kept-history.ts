/** A made-up history of a node's state, generation after generation, for tests of what is kept on disk. */
import { KeyedSnapshot } from "../../config-model/snapshot/keyed-snapshot.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import { LastKnownGood } from "../../data-plane/agent/last-known-good/last-known-good.ts";
import { NodeState } from "../../data-plane/agent/node-state.ts";
import { sharedParts } from "../../data-plane/agent/shared-parts.ts";
import type { FileSystem } from "../../foundation/file-system.ts";
import { nodeFileSystem } from "../../foundation/file-system.ts";
import type { Logger } from "../../foundation/log.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { routerResource } from "./resources.ts";
import { silentLog } from "./silent-log.ts";

const fleetId = "fleet-a";

/** Generation `number` sets one router of ten, and every third removes one. */
export function deltaOf(number: number): SnapshotDelta {
  const removals =
    number % 3 === 0
      ? [{ kind: ResourceKind.HTTP_ROUTER, name: `r${(number + 4) % 10}@file` }]
      : [];
  return { upserts: [routerResource(`r${number % 10}@file`, number)], removals };
}

/** What the state of each generation must have as its digest; index 0 is before the first. */
export function digestsUpTo(last: number): string[] {
  const snapshot = new KeyedSnapshot();
  const digests = [""];
  for (let number = 1; number <= last; number += 1) {
    snapshot.apply(deltaOf(number));
    digests.push(Buffer.from(snapshot.digest()).toString("hex"));
  }
  return digests;
}

export interface KeptNodeInit {
  readonly directory?: string;
  readonly fileSystem?: FileSystem;
  readonly minLogBytes?: number;
  readonly confirmationIntervalMs?: number;
  readonly log?: Logger;
  readonly onFailureChange?: () => void;
}

/** A node's state with its last-known-good and nothing else. */
export class KeptNode {
  readonly state = new NodeState();
  readonly lastKnownGood: LastKnownGood;
  readonly #digests: readonly string[];

  constructor(init: KeptNodeInit, digests: readonly string[]) {
    const { state } = this;
    this.#digests = digests;
    this.lastKnownGood = new LastKnownGood({
      directory: init.directory ?? "/state",
      fileSystem: init.fileSystem ?? nodeFileSystem,
      log: init.log ?? silentLog,
      atRest: async (task) => task(),
      capture: () =>
        state.running === undefined
          ? undefined
          : { ...state.running, resources: state.resources() },
      onFailureChange: init.onFailureChange ?? (() => {}),
      flushIntervalMs: 3_600_000, // tests flush
      minLogBytes: init.minLogBytes ?? 256 * 1024,
      confirmationIntervalMs: init.confirmationIntervalMs ?? 60_000,
    });
  }

  /** Generation that was loaded; 0 for none. */
  async boot(): Promise<number> {
    const loaded = await this.lastKnownGood.load();
    if (loaded === undefined) return 0;
    this.state.adopt(loaded.snapshot, loaded);
    return Number(loaded.generation.number);
  }

  get number(): number {
    return Number(this.state.running?.generation.number ?? 0n);
  }

  get digest(): string {
    return Buffer.from(this.state.running?.digest ?? []).toString("hex");
  }

  /** Takes the next generation and gives it to last-known-good, which writes it with the next flush. */
  async advance(): Promise<void> {
    const number = this.number + 1;
    const delta = deltaOf(number);
    const staged = await this.state.stage({
      generation: { fleetId, epoch: 1n, number: BigInt(number) },
      base: this.state.running?.generation,
      isStrict: false,
      parts: [...sharedParts(delta)].map((changes) => ({ changes, delta })),
      digest: Buffer.from(this.#digests[number] ?? "", "hex"),
      sources: new Map(),
      beganAtMs: 0,
    });
    staged.commit();
    this.lastKnownGood.keep(staged);
  }
}

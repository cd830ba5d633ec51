/**
 * The control planes that run on one store, each a key on a lease of its own: who else there is decides whether a changed
 * static configuration needs an operator, and where nodes are sent when this one stops.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { sleep } from "../../../foundation/sleep.ts";
import type { EtcdClient } from "../../etcd/etcd-client.ts";
import { prefixRange } from "../../etcd/key-range.ts";
import type { LogKeys } from "./log-keys.ts";

export interface Replica {
  readonly id: string;
  /** `HOST:PORT` of its stream; absent when only its own machine reaches it. */
  readonly stream: string | undefined;
  readonly staticDigest: string;
}

const retryMs = 500;

export class ReplicaPresence {
  readonly id = `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
  readonly #client: EtcdClient;
  readonly #keys: LogKeys;
  readonly #ttlSeconds: number;
  #value: Omit<Replica, "id">;
  #leaseId: string | undefined;
  #others: readonly Replica[] = [];

  constructor(
    client: EtcdClient,
    keys: LogKeys,
    { ttlSeconds, ...value }: Omit<Replica, "id"> & { readonly ttlSeconds: number },
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#ttlSeconds = ttlSeconds;
    this.#value = value;
  }

  /** As they were seen last, some seconds ago at the most. */
  get others(): readonly Replica[] {
    return this.#others;
  }

  /** Shown from now on. */
  set staticDigest(staticDigest: string) {
    this.#value = { ...this.#value, staticDigest };
    // Without an answer the next turn writes it.
    if (this.#leaseId !== undefined) void this.#put(this.#leaseId).catch(() => {});
  }

  /** Until `signal` aborts, then takes itself out at once. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let waitMs = (this.#ttlSeconds * 1_000) / 3;
      try {
        await this.#show();
        await this.look();
      } catch {
        // The store's own log says that etcd is out of reach.
        waitMs = retryMs;
      }
      await sleep(waitMs, signal);
    }
    if (this.#leaseId !== undefined) await this.#client.revokeLease(this.#leaseId).catch(() => {}); // it runs out by itself
  }

  /** Those there are now, without this one. */
  async look(): Promise<readonly Replica[]> {
    const { pairs } = await this.#client.range(prefixRange(this.#keys.replicas));
    this.#others = pairs.flatMap(({ key, value }) => {
      const id = key.toString().slice(this.#keys.replicas.length);
      return id === this.id ? [] : [{ id, ...JSON.parse(value.toString()) }];
    });
    return this.#others;
  }

  async #show(): Promise<void> {
    const known = this.#leaseId;
    if (known !== undefined) {
      const deadlineMs = 1_500;
      if ((await this.#client.keepLeaseAlive(known, deadlineMs)) > 0) return;
    }
    const leaseId = await this.#client.grantLease(this.#ttlSeconds);
    await this.#put(leaseId);
    this.#leaseId = leaseId;
  }

  async #put(leaseId: string): Promise<void> {
    const value = Buffer.from(JSON.stringify(this.#value));
    await this.#client.transaction({
      compare: [],
      success: [{ kind: "put", key: `${this.#keys.replicas}${this.id}`, value, leaseId }],
    });
  }
}

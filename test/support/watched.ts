import assert from "node:assert/strict";
import { EtcdClient, type EtcdClientOptions } from "../../control-plane/etcd/etcd-client.ts";
import type { EtcdAccess } from "../../control-plane/etcd/etcd-connection.ts";
import { KnownPairs, type PairChange } from "../../control-plane/etcd/known-pairs.ts";
import { allWatchGuards, type WatchGuards } from "../../control-plane/etcd/watch-guards.ts";
import { createWatchCounts, watchPrefix } from "../../control-plane/etcd/watch-prefix.ts";

export const anonymous = { username: undefined, password: undefined, tls: undefined } as const;

export interface WatchedOptions {
  readonly prefix?: string;
  readonly user?: Pick<EtcdAccess, "username" | "password">;
  readonly client?: EtcdClientOptions;
  readonly makeClient?: (access: EtcdAccess, options: EtcdClientOptions) => EtcdClient;
  readonly guards?: Partial<WatchGuards>;
  /** Default: never. */
  readonly reconcile?: { readonly intervalMs: number; readonly settleMs: number };
}

/** A `watchPrefix()` under test, with everything it was told and the state that follows from it. */
export class Watched implements AsyncDisposable {
  readonly state = new Map<string, string>();
  /** One entry a call, the first list's pages left out. */
  readonly calls: (readonly PairChange[])[] = [];
  readonly revisions: bigint[] = [];
  readonly outages: string[] = [];
  listed: bigint | undefined;
  /** Calls of `onAvailable`. */
  available = 0;
  readonly counts = createWatchCounts();
  readonly pairs = new KnownPairs();
  /** Seen in callbacks, where a throw would look like a failure of etcd. */
  readonly #mistakes: string[] = [];
  readonly #clients: readonly EtcdClient[];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(endpoint: string | readonly string[], options: WatchedOptions = {}) {
    const {
      prefix = "traefik/",
      user = anonymous,
      client: clientOptions = {},
      makeClient = (access, given) => new EtcdClient(access, given),
      guards = {},
      reconcile,
    } = options;
    const access = { ...anonymous, ...user, endpoints: [endpoint].flat() };
    const client = makeClient(access, clientOptions);
    const comparing = reconcile && { client: new EtcdClient(access), ...reconcile };
    this.#clients = comparing === undefined ? [client] : [client, comparing.client];
    this.#running = watchPrefix(
      {
        client,
        prefix,
        pairs: this.pairs,
        counts: this.counts,
        guards: { ...allWatchGuards, ...guards },
        ...(comparing !== undefined && { reconcile: comparing }),
        onChanges: (changes, revision) => this.#onChanges(changes, revision),
        onListed: (revision) => {
          this.listed = revision;
        },
        onUnavailable: (error) => this.outages.push(error.message),
        onAvailable: () => {
          this.available += 1;
        },
      },
      this.#stop.signal,
    );
  }

  get digest(): string {
    return Buffer.from(this.pairs.digest()).toString("hex");
  }

  /** Keys of all changes after the first list, in order. */
  get changedKeys(): string[] {
    return this.calls.flatMap((changes) => changes.map(({ key }) => key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const client of this.#clients) client.close();
    assert.deepEqual(this.#mistakes, []);
  }

  #onChanges(changes: readonly PairChange[], revision: bigint): void {
    const keys = changes.map(({ key }) => key);
    if (new Set(keys).size !== keys.length) this.#mistakes.push(`twice in one change: ${keys}`);
    if (this.listed !== undefined) {
      this.calls.push(changes);
      this.revisions.push(revision);
    }
    for (const { key, value } of changes) {
      if (this.state.get(key) === value) this.#mistakes.push(`told though it is the same: ${key}`);
      if (value === undefined) this.state.delete(key);
      else this.state.set(key, value);
    }
  }
}

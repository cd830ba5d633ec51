import assert from "node:assert/strict";
import { EtcdClient } from "../../control-plane/etcd/etcd-client.ts";
import { KnownPairs, type PairChange } from "../../control-plane/etcd/known-pairs.ts";
import { watchPrefix } from "../../control-plane/etcd/watch-prefix.ts";

export const anonymous = { username: undefined, password: undefined, tls: undefined } as const;

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
  /** Seen in callbacks, where a throw would look like a failure of etcd. */
  readonly #mistakes: string[] = [];
  readonly #client: EtcdClient;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(endpoint: string | readonly string[], prefix = "traefik/") {
    this.#client = new EtcdClient({ ...anonymous, endpoints: [endpoint].flat() });
    this.#running = watchPrefix(
      {
        client: this.#client,
        prefix,
        pairs: new KnownPairs(),
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

  /** Keys of all changes after the first list, in order. */
  get changedKeys(): string[] {
    return this.calls.flatMap((changes) => changes.map(({ key }) => key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#client.close();
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

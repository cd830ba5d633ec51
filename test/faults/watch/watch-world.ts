/** An etcd of a test's own, a way to it that can be disturbed, and a watch over that way, with the validators of etcd's own tests. */
import assert from "node:assert/strict";
import { dumpDigest } from "../../support/dump-digest.ts";
import { TestEtcd, type TestEtcdOptions } from "../../support/etcd.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { Watched, type WatchedOptions } from "../../support/watched.ts";
import { within } from "../support/within.ts";

export const prefix = "traefik/";

export class WatchWorld implements AsyncDisposable {
  readonly etcd: TestEtcd;
  readonly proxy: FaultProxy;
  readonly #stack: AsyncDisposableStack;
  /** For `etcd` with authentication. */
  token: string | undefined;

  private constructor(etcd: TestEtcd, proxy: FaultProxy, stack: AsyncDisposableStack) {
    this.etcd = etcd;
    this.proxy = proxy;
    this.#stack = stack;
  }

  static async start(options?: TestEtcdOptions): Promise<WatchWorld> {
    const stack = new AsyncDisposableStack();
    const etcd = stack.use(await TestEtcd.start(options));
    const proxy = stack.use(await FaultProxy.start(etcd.port));
    return new WatchWorld(etcd, proxy, stack);
  }

  /** A watch through the proxy whose first list is through. */
  async watch(options?: WatchedOptions): Promise<Watched> {
    const watched = this.#stack.use(new Watched(this.proxy.endpoint, options));
    await within(10_000, "the first list", () => watched.listed !== undefined);
    return watched;
  }

  /** One transaction on keys below the prefix; the revision it got. */
  async write(pairs: Readonly<Record<string, string | undefined>>): Promise<bigint> {
    const full = Object.entries(pairs).map(([key, value]) => [`${prefix}${key}`, value]);
    return (await this.etcd.write(Object.fromEntries(full), this.token)).revision;
  }

  /** State and digest are those of a plain range read. Resolves to the milliseconds that took. */
  async converges(watched: Watched, withinMs: number): Promise<number> {
    const expected = await this.etcd.read(prefix, this.token);
    const tookMs = await within(withinMs, "the state that etcd has", () =>
      sameEntries(watched.state, expected),
    );
    assert.equal(watched.digest, dumpDigest(expected));
    return tookMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Ordered and unique. */
export function assertAscending(revisions: readonly bigint[]): void {
  for (const [i, revision] of revisions.entries()) {
    assert.ok(i === 0 || revision > (revisions[i - 1] ?? 0n), `revision ${revision} out of order`);
  }
}

function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...b].every(([key, value]) => a.get(key) === value);
}

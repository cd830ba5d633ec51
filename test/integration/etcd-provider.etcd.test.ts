import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import { EtcdProvider } from "../../control-plane/provider/etcd-provider.ts";
import type { ProviderEvent } from "../../control-plane/provider/provider.ts";
import type { Logger } from "../../foundation/log.ts";
import { dumpDigest } from "../support/dump-digest.ts";
import { TestEtcd } from "../support/etcd.ts";
import { silentLog } from "../support/silent-log.ts";
import { until } from "../support/until.ts";
import { anonymous } from "../support/watched.ts";

/** A provider under test and all it said. */
class Provided implements AsyncDisposable {
  readonly events: ProviderEvent[] = [];
  readonly warnings: string[] = [];
  readonly #provider: EtcdProvider;

  constructor(
    endpoint: string,
    user: { readonly username?: string; readonly password?: string } = {},
  ) {
    const log: Logger = {
      ...silentLog,
      warn: (message, fields) => this.warnings.push(`${message}: ${fields?.["reason"]}`),
    };
    const etcd = { ...anonymous, ...user, endpoints: [endpoint], rootKey: "traefik" };
    this.#provider = new EtcdProvider({ etcd, log });
  }

  async start(): Promise<this> {
    await this.#provider.start((event) => this.events.push(event), new AbortController().signal);
    return this;
  }

  async complete(): Promise<void> {
    await until("the first reading", () => this.events.some(({ kind }) => kind === "complete"));
  }

  /** One entry a `changes` event that has some, each change as `name: what`. */
  get changes(): string[][] {
    return this.events
      .filter((event) => event.kind === "changes" && event.changes.length > 0)
      .map((event) => (event.kind === "changes" ? event.changes.map(describeChange) : []));
  }

  /** Of the source, as it was told last. */
  get digest(): string {
    const last = this.events.findLast((event) => event.kind === "changes");
    return Buffer.from(last?.source?.digest ?? []).toString("hex");
  }

  get problems(): string[] {
    const last = this.events.findLast((event) => event.kind === "problems");
    return (last?.problems ?? []).map(({ message }) => message);
  }

  get outages(): string[] {
    return this.events.filter((event) => event.kind === "unavailable").map(({ reason }) => reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#provider.stop();
  }
}

function describeChange({ key, object }: SourceChange): string {
  const what = object === undefined ? "gone" : object.config === undefined ? "broken" : "read";
  return `${key.kind} ${key.name} ${what}`;
}

// Side by side, because they wait more than they work.
describe("EtcdProvider", { concurrency: true }, () => {
  test("emits what is there, then `complete`; objects with different faults stand for themselves", async () => {
    await using etcd = await TestEtcd.start();
    await etcd.put("traefik/http/routers/good/rule", "Host(`a.test`)");
    await etcd.put("traefik/http/routers/good/service", "s");
    await etcd.put("traefik/http/routers/bad/nonsense", "1");
    await etcd.put("traefik/http/services/s/loadBalancer/servers/0/url", "http://127.0.0.1:1");
    await etcd.put("traefik/acme/lock", "somebody else's");
    await using provided = await new Provided(etcd.endpoint).start();
    await provided.complete();
    assert.deepEqual(provided.changes, [
      ["httpRouter bad broken", "httpRouter good read", "httpService s read"],
    ]);
    assert.equal(provided.events.at(-1)?.kind, "complete");
    assert.deepEqual(provided.problems, []);
  });

  test("an empty etcd is complete too", async () => {
    await using etcd = await TestEtcd.start();
    await using provided = await new Provided(etcd.endpoint).start();
    await provided.complete();
    assert.deepEqual(provided.changes, []);
    assert.equal(provided.digest, dumpDigest([]));
  });

  test("tells with its changes the digest that a dump has, of keys that describe no object too", async () => {
    await using etcd = await TestEtcd.start();
    await etcd.put("traefik/http/routers/r/rule", "Host(`a.test`)");
    await etcd.put("traefik/acme/account", "somebody else's");
    await using provided = await new Provided(etcd.endpoint).start();
    await provided.complete();
    assert.equal(provided.digest, dumpDigest(await etcd.dump("traefik/")));
    for (const change of ["put traefik/acme/account 2", "put traefik/http/routers/r/service s"]) {
      await etcd.transaction(change);
      const expected = dumpDigest(await etcd.dump("traefik/"));
      await until("the digest", () => provided.digest === expected);
    }
  });

  test("one transaction is one event, one event an object; the last key gone is the object gone", async () => {
    await using etcd = await TestEtcd.start();
    await using provided = await new Provided(etcd.endpoint).start();
    await provided.complete();
    await etcd.transaction(
      'put traefik/http/routers/r/rule "Host(`a.test`)"',
      "put traefik/http/routers/r/service s",
      "put traefik/http/services/s/loadBalancer/servers/0/url http://127.0.0.1:1",
    );
    // What arrives while this process is busy would go on together.
    const seen = (count: number) =>
      until(`${count} changes`, () => provided.changes.length === count);
    await seen(1);
    await etcd.put("traefik/http/routers/r/priority", "7");
    await seen(2);
    await etcd.ctl("del", "traefik/http/services/s/loadBalancer/servers/0/url");
    await seen(3);
    await etcd.ctl("del", "--prefix", "traefik/http/routers/r/");
    await seen(4);
    assert.deepEqual(provided.changes, [
      ["httpRouter r read", "httpService s read"],
      ["httpRouter r read"],
      ["httpService s gone"],
      ["httpRouter r gone"],
    ]);
  });

  test("warns of keys with a leading slash, with their number, and of mistyped collections", async () => {
    await using etcd = await TestEtcd.start();
    await etcd.transaction(
      "put /traefik/http/routers/a/rule x",
      "put /traefik/http/routers/b/rule x",
    );
    await etcd.put("traefik/http/router/a/rule", "x");
    await using provided = await new Provided(etcd.endpoint).start();
    await provided.complete();
    await until("both problems", () => provided.problems.length === 2);
    assert.match(provided.problems[0] ?? "", /^2 keys begin with "\/traefik\/" and are not read/);
    await etcd.ctl("del", "traefik/http/router/a/rule");
    await until("the mistyped key gone", () => provided.problems.length === 1);
    assert.deepEqual(provided.changes, []);
  });

  test("unreachable at the start: says so once a reason, and reads once etcd is there", async () => {
    await using late = await TestEtcd.prepare();
    await using provided = await new Provided(late.endpoint).start();
    const refused = `Cannot reach etcd at ${late.endpoint}: connection refused`;
    await until("an outage", () => provided.outages.length === 1);
    await late.run();
    await provided.complete();
    assert.deepEqual(provided.outages, [refused]);
    assert.deepEqual(provided.warnings, [`Provider etcd is unavailable, retrying: ${refused}`]);
    await late.kill();
    await until("the second outage", () => provided.outages.length >= 2);
    await late.run();
    await late.put("traefik/http/routers/r/rule", "Host(`a.test`)");
    await until("the change", () => provided.changes.length === 1);
  });

  test("stop() does not wait for an etcd that says nothing, and nothing is emitted after it", async () => {
    await using etcd = await TestEtcd.start();
    etcd.pause();
    const provided = await new Provided(etcd.endpoint).start();
    const stoppedAt = performance.now();
    await provided[Symbol.asyncDispose]();
    assert.ok(performance.now() - stoppedAt < 2_000);
    etcd.resume();
    assert.deepEqual(provided.events, []);
  });

  test("W8 a wrong password is told without it; a token outlived by a restart is renewed", async () => {
    await using guarded = await TestEtcd.start();
    await guarded.ctl("user", "add", "root:secret");
    await guarded.ctl("user", "add", "limited:limited");
    await guarded.ctl("auth", "enable");
    const root = { username: "root", password: "secret" };

    await using wrong = await new Provided(guarded.endpoint, {
      ...root,
      password: "guess",
    }).start();
    await using nobody = await new Provided(guarded.endpoint).start();
    await using limited = await new Provided(guarded.endpoint, {
      username: "limited",
      password: "limited",
    }).start();
    await using right = await new Provided(guarded.endpoint, root).start();
    await right.complete();
    for (const [provided, reason] of [
      [wrong, 'refused user "root": authentication failed'],
      [nobody, "refused an anonymous user: it requires a user and a password"],
      [limited, 'refused user "limited": permission denied'],
    ] as const) {
      await until(reason, () => provided.outages.length > 0);
      assert.deepEqual(provided.outages, [`etcd at ${guarded.endpoint} ${reason}`]);
    }

    await guarded.kill();
    await guarded.run();
    const asRoot = { user: "root:secret" };
    await guarded.ctlWith(asRoot, "put", "traefik/http/routers/r/rule", "Host(`a.test`)");
    await until("the change", () => right.changes.length === 1);
  });
});

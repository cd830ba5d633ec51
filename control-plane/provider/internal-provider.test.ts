import assert from "node:assert/strict";
import { test } from "node:test";
import { loadStaticConfiguration } from "../../config-model/static/load-static-configuration.ts";
import { InternalProvider } from "./internal-provider.ts";
import type { ProviderEvent } from "./provider.ts";

test("InternalProvider emits entry points and node settings in one change, then is complete", async () => {
  const { configuration } = loadStaticConfiguration({
    flags: ["--entryPoints.web.address=:8000", "--entryPoints.db.address=127.0.0.1:5432"],
    env: {},
    readFile: () => undefined,
    resolvePath: (path) => path,
  });
  const events: ProviderEvent[] = [];
  await new InternalProvider(configuration).start((event) => void events.push(event));
  const [changes, complete, ...rest] = events;
  assert.ok(changes?.kind === "changes");
  assert.deepEqual(
    changes.changes.map(({ key, object }) => [key.kind, key.name, object?.source.location]),
    [
      ["entryPoint", "web", "entryPoints.web"],
      ["entryPoint", "db", "entryPoints.db"],
      ["nodeSettings", "node", "serversTransport"],
      ["httpService", "noop", "internal"],
    ],
  );
  assert.equal(changes.changes[1]?.object?.config, configuration.entryPoints.get("db"));
  assert.deepEqual([complete, rest], [{ kind: "complete" }, []]);
});

function load(...flags: readonly string[]) {
  const init = { env: {}, readFile: () => undefined, resolvePath: (path: string) => path };
  return loadStaticConfiguration({ flags, ...init }).configuration;
}

test("InternalProvider.update() emits what another configuration changes, together", async () => {
  const provider = new InternalProvider(
    load("--entryPoints.a.address=:1", "--entryPoints.b.address=:2", "--entryPoints.c.address=:3"),
  );
  const events: ProviderEvent[] = [];
  await provider.start((event) => void events.push(event));
  events.length = 0;
  const other = load(
    "--entryPoints.d.address=:4",
    "--entryPoints.c.address=:3",
    "--entryPoints.b.address=:20",
    "--serversTransport.maxIdleConnsPerHost=5",
  );
  provider.update(other);
  const [change, ...rest] = events;
  assert.ok(change?.kind === "changes");
  assert.deepEqual(
    change.changes.map(({ key, object }) => [key.name, object?.config]),
    [
      ["a", undefined],
      ["d", other.entryPoints.get("d")],
      ["b", other.entryPoints.get("b")],
      ["node", other.nodeSettings],
    ],
  );
  assert.deepEqual(rest, []);
  provider.update(other);
  await provider.stop();
  provider.update(load());
  assert.equal(events.length, 1);
});

test("InternalProvider.update() before the start is what the start says", async () => {
  const provider = new InternalProvider(load("--entryPoints.a.address=:1"));
  provider.update(load("--entryPoints.b.address=:2"));
  const events: ProviderEvent[] = [];
  await provider.start((event) => void events.push(event));
  assert.deepEqual(
    events.map((event) => event.kind === "changes" && event.changes.map(({ key }) => key.name)),
    [["b", "node", "noop"], false],
  );
});

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
    ],
  );
  assert.equal(changes.changes[1]?.object?.config, configuration.entryPoints.get("db"));
  assert.deepEqual([complete, rest], [{ kind: "complete" }, []]);
});

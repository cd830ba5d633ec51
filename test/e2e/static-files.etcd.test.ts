/** `etcd.toml` of the static files: routes from an etcd, where the generations are kept too. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { TestEtcd } from "../support/etcd.ts";
import { eventually } from "../support/program.ts";
import { complaints, placeStaticFile, startWith } from "../support/static-file.ts";

test("etcd.toml serves the routes of etcd, and names what is not supported", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-static-files-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const origin = createServer((incoming, response) => {
    response.end(incoming.headers["x-forwarded-for"]);
  }).listen(0, "127.0.0.1");
  await once(origin, "listening");
  t.after(() => {
    origin.close();
    origin.closeAllConnections();
  });
  await using etcd = await TestEtcd.start();
  await etcd.transaction(
    "put traefik/http/routers/shop/rule Host(`shop.example`)",
    "put traefik/http/routers/shop/service shop",
    `put traefik/http/services/shop/loadBalancer/servers/0/url http://127.0.0.1:${(origin.address() as AddressInfo).port}`,
  );
  const file = await placeStaticFile("etcd.toml", directory, { "127.0.0.1:2379": etcd.endpoint });
  await using program = startWith(file, directory);
  await eventually(async () => {
    const headers = { Host: "shop.example", "X-Forwarded-For": "192.0.2.7" };
    const outgoing = get(`http://${file.addressOf(80)}/`, { agent: false, headers });
    const [response] = await once(outgoing, "response");
    const body = (await response.setEncoding("utf8").toArray()).join("");
    assert.deepEqual([response.statusCode, body], [200, "192.0.2.7, 127.0.0.1"]);
  });
  const store = await program.log(({ msg }) => msg === "snapshot store");
  assert.deepEqual([store["store"], store["rootKey"]], ["etcd", "switchyard"]);
  program.kill("SIGTERM");
  assert.deepEqual(await program.exited, { code: 0, signal: null });
  assert.equal(program.stderr, "");
  assert.deepEqual(complaints(program, directory), [
    "etcd.toml:17:1: accessLog is not supported yet",
  ]);
});

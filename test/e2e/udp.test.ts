/** UDP entry points of a process with several workers: opened, shared out, moved, refused and drained like TCP ones. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { get } from "../support/fleet.ts";
import { Program } from "../support/program.ts";
import { UdpPeer } from "../support/udp-peer.ts";
import { until } from "../support/until.ts";

interface Scenario {
  readonly program: Program;
  /** Writes the entry point "dns" and reads the file again. */
  move(address: string, more?: string): Promise<void>;
}

async function start(t: TestContext, backend: UdpPeer, address: string): Promise<Scenario> {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-udp-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, "switchyard.yml");
  const write = (place: string, more: string) =>
    writeFile(
      file,
      `
entryPoints:
  dns: { address: "${place}/udp", udp: { timeout: 500ms }${more} }
providers: { file: { filename: ${file} } }
udp:
  routers: { names: { service: names } }
  services: { names: { loadBalancer: { servers: [{ address: "127.0.0.1:${backend.port}" }] } } }
`,
    );
  await write(address, "");
  const state = `--state-dir=${join(directory, "state")}`;
  const program = new Program([
    `--configFile=${file}`,
    state,
    "--admin=127.0.0.1:0",
    "--workers=2",
  ]);
  t.after(() => program[Symbol.asyncDispose]());
  return {
    program,
    async move(place, more = "") {
      await write(place, more);
      program.kill("SIGHUP");
    },
  };
}

/** Where "dns" listens, said for the `nth` time. */
async function portOf({ program }: Scenario, nth = 1): Promise<number> {
  const lines = () =>
    program.lines.filter(({ msg, name }) => msg === "listening" && name === "dns");
  const line = await until(`"dns" to listen (${nth})`, () => lines()[nth - 1]);
  const [, port = ""] = /^127\.0\.0\.1:(\d+)\/udp$/.exec(String(line["address"])) ?? [];
  return Number(port);
}

async function metric({ program }: Scenario, name: string): Promise<number> {
  const { body } = await get(await program.address("admin", "data-plane"), { path: "/metrics" });
  const [, value = "0"] =
    new RegExp(`^${name}\\{entrypoint="dns"[^}]*\\} (\\d+)$`, "m").exec(body) ?? [];
  return Number(value);
}

test("UDP clients are shared out among the workers, and each has its answers", async (t) => {
  await using backend = await UdpPeer.named("a");
  const scenario = await start(t, backend, "127.0.0.1:0");
  const port = await portOf(scenario);
  await using clients = await peers(24);
  for (const [index, client] of clients.all.entries()) {
    assert.equal(await client.ask(`${index}`, port), `a:${index}`);
    assert.equal(await client.ask("again", port), "a:again");
  }
  assert.equal(
    new Set(backend.from.map((from) => from.port)).size,
    24,
    "a session for each client",
  );
  assert.equal(await metric(scenario, "switchyard_udp_sessions_total"), 24);
  assert.ok((await metric(scenario, "switchyard_udp_received_datagrams_total")) >= 48);
  // Nobody is left behind by a stop: known clients are answered until they are idle.
  const [client] = clients.all;
  scenario.program.kill("SIGTERM");
  assert.equal(await client?.ask("last", port), "a:last");
  assert.deepEqual(await scenario.program.exited, { code: 0, signal: null });
});

test("a UDP entry point moves, and is refused where the port is taken", async (t) => {
  await using backend = await UdpPeer.named("a");
  await using client = await UdpPeer.start();
  const scenario = await start(t, backend, "127.0.0.1:0");
  const first = await portOf(scenario);
  assert.equal(await client.ask("1", first), "a:1");
  const taken = await UdpPeer.start();
  const { port: second } = taken;
  await scenario.move(`127.0.0.1:${second}`);
  const { program } = scenario;
  await until("the refusal", async () => {
    const { body } = await get(await program.address("admin", "control-plane"), {
      path: "/api/fleet/nodes",
    });
    return body.includes(
      `Cannot bind entry point \\"dns\\" to 127.0.0.1:${second}/udp: port is in use`,
    );
  });
  assert.equal(await client.ask("2", first), "a:2", "where it was it is still");
  await taken[Symbol.asyncDispose]();
  assert.equal(await portOf(scenario, 2), second);
  assert.equal(await client.ask("3", second), "a:3");
  const free = await UdpPeer.start();
  const { port: third } = free;
  await free[Symbol.asyncDispose]();
  await scenario.move(`127.0.0.1:${third}`, ", asDefault: true");
  assert.equal(await portOf(scenario, 3), third);
  assert.equal(await client.ask("4", third), "a:4");
  // Other programs can have the old address now.
  await scenario.move(`127.0.0.1:${second}`);
  assert.equal(await portOf(scenario, 4), second, "and so can we");
  assert.equal(await client.ask("5", second), "a:5");
});

async function peers(count: number) {
  const all = await Promise.all(Array.from({ length: count }, () => UdpPeer.start()));
  return {
    all,
    async [Symbol.asyncDispose]() {
      for (const peer of all) await peer[Symbol.asyncDispose]();
    },
  };
}

/** What an operator sees after a mistake: one sentence, the right exit code, nothing else harmed, never a stack trace. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { get, Origin, served } from "../support/fleet.ts";
import { eventually, freePort, Program, runProgram } from "../support/program.ts";

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-bad-input-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs `up` on a static configuration that must not start. */
async function refused(t: TestContext, text: string) {
  const directory = await directoryOf(t);
  const file = join(directory, "switchyard.yml");
  await writeFile(file, text);
  const outcome = await runProgram([
    "up",
    `--configFile=${file}`,
    `--state-dir=${join(directory, "state")}`,
    "--admin=127.0.0.1:0",
  ]);
  assertNoStackTrace(`${outcome.stdout}\n${outcome.stderr}`);
  return { ...outcome, stderr: outcome.stderr.replaceAll(file, "switchyard.yml") };
}

function assertNoStackTrace(text: string): void {
  assert.doesNotMatch(text, /^\s+at /m);
  assert.doesNotMatch(text, /\.ts:\d+/);
}

/** Something listens there for as long as the test runs. */
async function takenPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("malformed YAML of the static configuration is exit 2 with file, line and column", async (t) => {
  const { code, stderr } = await refused(t, "entryPoints:\n  web:\n    address: [\n");
  assert.equal(code, 2);
  assert.match(stderr, /^switchyard: .*switchyard\.yml:\d+:\d+/);
});

test("an unknown static key is exit 2 and names the nearest valid one", async (t) => {
  const { code, stderr } = await refused(t, "entryPoints:\n  web:\n    adress: ':80'\n");
  assert.equal(code, 2);
  assert.match(stderr, /adress/);
  assert.match(stderr, /switchyard\.yml:3:5/);
  assert.match(stderr, /"?address"?/);
});

test("an unknown command, and an unknown flag of a data plane, are exit 2", async () => {
  const command = await runProgram(["contrl-plane"]);
  assert.equal(command.code, 2);
  assert.equal(
    command.stderr,
    'switchyard: Unknown command "contrl-plane" (did you mean "control-plane"?)\n',
  );
  const flag = await runProgram([
    "data-plane",
    "--control-plane=127.0.0.1:1",
    "--insecure",
    "--nodeid=x",
  ]);
  assert.equal(flag.code, 2);
  assert.match(flag.stderr, /^switchyard: Unknown flag or argument "--nodeid=x"/);
  const unsafe = await runProgram(["data-plane", "--control-plane=127.0.0.1:1"]);
  assert.equal(unsafe.code, 2);
  assert.match(unsafe.stderr, /--tls-ca, --tls-cert and --tls-key/);
});

test("an entry point of the first generation on a taken port is exit 1", async (t) => {
  const port = await takenPort(t);
  const { code, stdout, stderr } = await refused(
    t,
    `entryPoints:\n  web:\n    address: "127.0.0.1:${port}"\n`,
  );
  assert.equal(code, 1);
  const sentence = `Cannot bind entry point "web" to 127.0.0.1:${port}: port is in use`;
  assert.ok(`${stdout}${stderr}`.includes(JSON.stringify(sentence).slice(1, -1)));
});

test("an admin or stream port that was asked for and is taken is exit 1", async (t) => {
  const port = await takenPort(t);
  const directory = await directoryOf(t);
  const common = ["control-plane", `--state-dir=${directory}`, "--fleet.insecure=true"];
  const admin = await runProgram([
    ...common,
    "--fleet.stream.address=127.0.0.1:0",
    `--fleet.admin.address=127.0.0.1:${port}`,
  ]);
  assert.deepEqual(
    [admin.code, admin.stderr],
    [1, `switchyard: Cannot bind admin to 127.0.0.1:${port}: port is in use\n`],
  );
  const stream = await runProgram([
    ...common,
    `--fleet.stream.address=127.0.0.1:${port}`,
    "--fleet.admin.address=127.0.0.1:0",
  ]);
  assert.deepEqual(
    [stream.code, stream.stderr],
    [1, `switchyard: Cannot bind stream to 127.0.0.1:${port}: port is in use\n`],
  );
});

test("broken objects of a file harm only themselves, and the diagnostics say what is wrong and where", async (t) => {
  const directory = await directoryOf(t);
  await using origin = await Origin.start("good");
  const port = await freePort();
  const file = join(directory, "switchyard.yml");
  const routes = join(directory, "routes.yml");
  await writeFile(
    file,
    [
      `entryPoints: { web: { address: "127.0.0.1:${port}" } }`,
      `providers: { file: { filename: "${routes}" } }`,
      'fleet: { admin: { address: "127.0.0.1:0" } }',
    ].join("\n"),
  );
  const good = [
    "http:",
    "  routers:",
    "    good: { rule: Host(`good.test`), service: good }",
    "    no-rule: { rule: Host(`a.test`) &&, service: good }",
    "    lost: { rule: Host(`lost.test`), service: nowhere }",
    "    typo: { rulee: Host(`typo.test`), service: good }",
    "    limited: { rule: Host(`limited.test`), service: good, middlewares: [limit] }",
    "  services:",
    `    good: { loadBalancer: { servers: [{ url: "${origin.url}" }] } }`,
    "    odd: { loadBalancer: { servers: [{ url: 'ftp://x' }] } }",
    "  middlewares:",
    "    limit: { rateLimit: { average: 1 } }",
  ].join("\n");
  await writeFile(routes, good);
  await using program = new Program([
    "up",
    `--configFile=${file}`,
    `--state-dir=${join(directory, "state")}`,
    "--admin=127.0.0.1:0",
  ]);
  const address = `127.0.0.1:${port}`;
  await served(address, "good", { host: "good.test" });
  for (const host of ["a.test", "lost.test", "typo.test", "limited.test"]) {
    const { status, body } = await get(address, { host });
    assert.deepEqual({ host, status, body }, { host, status: 404, body: "404 page not found\n" });
  }
  const api = await program.log(
    (line) => line.msg === "listening" && line["name"] === "control-plane",
  );
  const admin = String(api["address"]);
  const diagnostics: {
    object?: { name: string };
    code: string;
    message: string;
    source: unknown;
  }[] = JSON.parse((await get(admin, { path: "/api/fleet/diagnostics" })).body);
  const of = (name: string) => diagnostics.filter(({ object }) => object?.name === `${name}@file`);
  assert.match(of("no-rule")[0]?.message ?? "", /Host\(`a\.test`\) &&/);
  assert.match(of("lost")[0]?.message ?? "", /nowhere/);
  assert.match(
    of("typo")
      .map(({ message }) => message)
      .join(),
    /rulee/,
  );
  assert.match(of("odd")[0]?.message ?? "", /ftp/);
  assert.match(of("limited")[0]?.message ?? "", /limit/);
  assert.match(of("limit")[0]?.message ?? "", /rateLimit/);
  assert.match(JSON.stringify(of("no-rule")[0]?.source), /routes\.yml/);

  await writeFile(routes, `${good}\n  routers: [`);
  const broken = await program.log(
    ({ msg, level }) => level >= 40 && /routes\.yml:\d+:\d+/.test(msg),
  );
  assert.ok(broken);
  await served(address, "good", { host: "good.test" });

  await writeFile(routes, good.replace("Host(`a.test`) &&", "Host(`a.test`)"));
  await eventually(async () => {
    assert.equal((await get(address, { host: "a.test" })).status, 200);
  });
  assertNoStackTrace(program.transcript());
});

test("a state directory in use is exit 1 and names the flag", async (t) => {
  const directory = await directoryOf(t);
  const flags = ["--control-plane=127.0.0.1:1", "--insecure", "--admin=127.0.0.1:0"];
  await using first = new Program(["data-plane", ...flags, `--state-dir=${directory}`]);
  await first.address("admin");
  const second = await runProgram(["data-plane", ...flags, `--state-dir=${directory}`]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`in use by pid ${first.pid}.*--state-dir`));
});

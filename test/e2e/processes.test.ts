/** What an operator does to processes: changes their entry points, signals them, kills them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Fleet, get, Origin, served } from "../support/fleet.ts";
import { eventually, freePort, Program } from "../support/program.ts";
import { until } from "../support/until.ts";

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-processes-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function httpRoute(url: string): string {
  return `http:
  routers: { all: { rule: "PathPrefix(\`/\`)", service: s } }
  services: { s: { loadBalancer: { servers: [ { url: "${url}" } ] } } }
`;
}

test("entry points open and close on a running data plane as the control plane's configuration says", async (t) => {
  const directory = await directoryOf(t);
  await using origin = await Origin.start("hello");
  const file = join(directory, "routes.yml");
  await writeFile(file, httpRoute(origin.url));
  await using fleet = await Fleet.create();
  const [web, extra] = [await freePort(), await freePort()];
  const flags = (...entryPoints: string[]) => [
    `--providers.file.filename=${file}`,
    ...entryPoints.map((entryPoint) => `--entryPoints.${entryPoint}`),
  ];
  const first = fleet.controlPlane(...flags(`web.address=127.0.0.1:${web}`));
  const node = fleet.dataPlane();
  await served(`127.0.0.1:${web}`, "hello");
  first.kill("SIGTERM");
  assert.deepEqual(await first.exited, { code: 0, signal: null });

  const second = fleet.controlPlane(
    ...flags(`web.address=127.0.0.1:${web}`, `extra.address=127.0.0.1:${extra}`),
  );
  await served(`127.0.0.1:${extra}`, "hello");
  await served(`127.0.0.1:${web}`, "hello");
  second.kill("SIGTERM");
  await second.exited;

  fleet.controlPlane(...flags(`extra.address=127.0.0.1:${extra}`));
  await eventually(async () => {
    await assert.rejects(get(`127.0.0.1:${web}`), { code: "ECONNREFUSED" });
  });
  await served(`127.0.0.1:${extra}`, "hello");
  await node.log(({ msg }) => msg === "entry point closed");
});

test("a TCP router with HostSNI(`*`) on a port of its own carries bytes both ways", async (t) => {
  const directory = await directoryOf(t);
  // Speaks first, then echoes, then answers the end of input with a last word.
  const echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write("ready ");
    socket.on("data", (data) => socket.write(data));
    socket.on("end", () => socket.end(" bye"));
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
  t.after(() => echo.close());
  const echoAddress = echo.address();
  assert.ok(typeof echoAddress === "object" && echoAddress !== null);
  await using origin = await Origin.start("over http");
  const [web, tcp] = [await freePort(), await freePort()];
  const file = join(directory, "switchyard.yml");
  await writeFile(
    file,
    `entryPoints: { web: { address: "127.0.0.1:${web}" }, raw: { address: "127.0.0.1:${tcp}" } }
providers: { file: { filename: "${file}" } }
fleet: { admin: { address: "127.0.0.1:0" } }
http:
  routers: { all: { rule: "PathPrefix(\`/\`)", service: s, entryPoints: [web] } }
  services: { s: { loadBalancer: { servers: [ { url: "${origin.url}" } ] } } }
tcp:
  routers: { raw: { rule: "HostSNI(\`*\`)", service: echo, entryPoints: [raw] } }
  services: { echo: { loadBalancer: { servers: [ { address: "127.0.0.1:${echoAddress.port}" } ] } } }
`,
  );
  await using program = upWith(file, directory);
  await served(`127.0.0.1:${web}`, "over http");
  await program.address("entryPoint", "raw");
  const client = connect(tcp, "127.0.0.1");
  let received = "";
  client.setEncoding("utf8").on("data", (text) => {
    received += text;
  });
  await until("the backend to speak first", () => received === "ready ");
  client.end("hello");
  await once(client, "close");
  assert.equal(received, "ready hello bye");
});

function upWith(file: string, directory: string): Program {
  return new Program([
    "up",
    `--configFile=${file}`,
    `--state-dir=${join(directory, "state")}`,
    "--admin=127.0.0.1:0",
    "--workers=2",
  ]);
}

test("SIGTERM drains: not ready at once, the open request finishes, exit code 0", async (t) => {
  const directory = await directoryOf(t);
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const slow = createServer((socket) => {
    socket.once("data", () => asked.resolve());
    void release.promise.then(() => {
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate");
    });
  }).listen(0, "127.0.0.1");
  await once(slow, "listening");
  t.after(() => slow.close());
  const slowAddress = slow.address();
  assert.ok(typeof slowAddress === "object" && slowAddress !== null);
  const port = await freePort();
  const file = join(directory, "switchyard.yml");
  await writeFile(
    file,
    `entryPoints: { web: { address: "127.0.0.1:${port}" } }
providers: { file: { filename: "${file}" } }
fleet: { admin: { address: "127.0.0.1:0" } }
${httpRoute(`http://127.0.0.1:${slowAddress.port}`)}`,
  );
  await using program = upWith(file, directory);
  await program.address("entryPoint", "web");
  const admin = await adminOf(program);
  const { status } = await get(admin, { path: "/readyz" });
  assert.equal(status, 200);
  const answer = get(`127.0.0.1:${port}`);
  await asked.promise;
  program.kill("SIGTERM");
  await eventually(async () => {
    assert.equal((await get(admin, { path: "/readyz" })).status, 503);
  });
  await eventually(async () => {
    await assert.rejects(get(`127.0.0.1:${port}`), { code: "ECONNREFUSED" });
  });
  release.resolve();
  assert.deepEqual(await answer, { status: 200, body: "late" });
  assert.deepEqual(await program.exited, { code: 0, signal: null });
});

async function adminOf(program: Program): Promise<string> {
  const line = await program.log(
    (candidate) =>
      candidate.msg === "listening" &&
      candidate["listener"] === "admin" &&
      candidate["name"] !== "control-plane",
  );
  return String(line["address"]);
}

test("SIGUSR1 opens no inspector and SIGHUP reads the files again", async (t) => {
  const directory = await directoryOf(t);
  await using one = await Origin.start("one");
  await using two = await Origin.start("two");
  const port = await freePort();
  const routes = join(directory, "routes.yml");
  const file = join(directory, "switchyard.yml");
  await writeFile(routes, httpRoute(one.url));
  await writeFile(
    file,
    `entryPoints: { web: { address: "127.0.0.1:${port}" } }
providers: { file: { filename: "${routes}", watch: false } }
fleet: { admin: { address: "127.0.0.1:0" } }
`,
  );
  await using program = upWith(file, directory);
  await served(`127.0.0.1:${port}`, "one");
  program.kill("SIGUSR1");
  await writeFile(routes, httpRoute(two.url));
  program.kill("SIGHUP");
  await served(`127.0.0.1:${port}`, "two");
  assert.doesNotMatch(program.stderr, /Debugger/);
});

test("an `up` that is killed leaves no process behind, and the next one serves its state", async (t) => {
  const directory = await directoryOf(t);
  await using origin = await Origin.start("hello");
  const port = await freePort();
  const file = join(directory, "switchyard.yml");
  await writeFile(
    file,
    `entryPoints: { web: { address: "127.0.0.1:${port}" } }
providers: { file: { filename: "${file}" } }
fleet: { admin: { address: "127.0.0.1:0" } }
${httpRoute(origin.url)}`,
  );
  await using program = upWith(file, directory);
  await served(`127.0.0.1:${port}`, "hello");
  assert.deepEqual(childrenOf(program.pid), []);
  program.kill("SIGKILL");
  await program.exited;
  await using again = upWith(file, directory);
  await served(`127.0.0.1:${port}`, "hello");
  again.kill("SIGINT");
  assert.deepEqual(await again.exited, { code: 0, signal: null });
});

function childrenOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
}

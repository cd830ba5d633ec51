/** SIGHUP with another static configuration: entry points and node settings change live, on every data plane. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { get, Origin, Prober, served } from "../support/fleet.ts";
import { eventually, freePort, Program } from "../support/program.ts";
import { until } from "../support/until.ts";

interface Scenario extends AsyncDisposable {
  /** The program that is sent SIGHUP. */
  readonly controlPlane: Program;
  /** Writes the static configuration: these sections and what the processes need of it. */
  write(text: string): Promise<void>;
}

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-static-reload-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A service that takes requests and never answers. */
async function silentService(t: TestContext): Promise<string> {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const runs: readonly {
  readonly name: string;
  readonly start: (directory: string, file: string) => Promise<readonly Program[]>;
}[] = [
  {
    name: "up",
    start: async (directory, file) => [
      new Program([
        "up",
        `--configFile=${file}`,
        `--state-dir=${join(directory, "state")}`,
        "--admin=127.0.0.1:0",
        "--workers=2",
      ]),
    ],
  },
  {
    name: "control-plane, followed by a data plane,",
    start: async (directory, file) => {
      const controlPlane = new Program([
        "control-plane",
        `--configFile=${file}`,
        `--state-dir=${join(directory, "control-plane")}`,
      ]);
      const dataPlane = new Program([
        "data-plane",
        `--control-plane=${await controlPlane.address("stream")}`,
        "--insecure",
        "--workers=2",
        "--admin=127.0.0.1:0",
        `--state-dir=${join(directory, "data-plane")}`,
      ]);
      return [controlPlane, dataPlane];
    },
  },
];

async function start(
  t: TestContext,
  { start }: (typeof runs)[number],
  firstText: string,
): Promise<Scenario> {
  const directory = await directoryOf(t);
  const file = join(directory, "switchyard.yml");
  const write = (text: string) =>
    writeFile(
      file,
      `${text}
fleet:
  stream: { address: "127.0.0.1:0" }
  admin: { address: "127.0.0.1:0" }
  insecure: true
`,
    );
  await write(firstText);
  const programs = await start(directory, file);
  const [controlPlane] = programs;
  assert.ok(controlPlane !== undefined);
  return {
    controlPlane,
    write,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(programs.map((program) => program.destroy()));
    },
  };
}

for (const run of runs) {
  test(`SIGHUP to ${run.name} moves, opens and closes entry points while the others serve on`, async (t) => {
    const directory = await directoryOf(t);
    await using origin = await Origin.start("hello");
    const silent = await silentService(t);
    const routes = join(directory, "routes.yml");
    await writeFile(
      routes,
      `http:
  routers:
    all: { rule: "PathPrefix(\`/\`)", service: s }
    silent: { rule: "PathPrefix(\`/silent\`)", service: silent }
  services:
    s: { loadBalancer: { servers: [ { url: "${origin.url}" } ] } }
    silent: { loadBalancer: { servers: [ { url: "${silent}" } ] } }
`,
    );
    const [steady, before, gone] = await freePorts(3);
    const providers = `providers: { providersThrottleDuration: 0, file: { filename: "${routes}" } }`;
    await using scenario = await start(
      t,
      run,
      `${providers}
entryPoints:
  steady: { address: "127.0.0.1:${steady}" }
  moved: { address: "127.0.0.1:${before}" }
  gone: { address: "127.0.0.1:${gone}" }
`,
    );
    const { controlPlane } = scenario;
    for (const port of [steady, before, gone]) await served(`127.0.0.1:${port}`, "hello");
    await using prober = new Prober(`127.0.0.1:${steady}`);
    await until("answers", () => prober.answers.length >= 20);

    const [after, added] = await freePorts(2);
    await scenario.write(
      `${providers}
entryPoints:
  steady: { address: "127.0.0.1:${steady}", http: { maxHeaderBytes: 2048 } }
  moved:
    address: "127.0.0.1:${after}"
    transport: { respondingTimeouts: { readTimeout: 250ms } }
  added: { address: "127.0.0.1:${added}" }
serversTransport: { forwardingTimeouts: { responseHeaderTimeout: 100ms } }
`,
    );
    controlPlane.kill("SIGHUP");
    for (const port of [after, added]) await served(`127.0.0.1:${port}`, "hello");
    await eventually(async () => {
      for (const port of [before, gone]) {
        await assert.rejects(get(`127.0.0.1:${port}`), { code: "ECONNREFUSED" });
      }
    });
    await connectionEnds(after, "GET / HTTP/1.1\r\nHost: a\r\n");
    const long = `/${"x".repeat(3_000)}`;
    assert.equal((await get(`127.0.0.1:${steady}`, { path: long })).status, 414);
    assert.equal((await get(`127.0.0.1:${added}`, { path: long })).status, 200);
    assert.equal((await get(`127.0.0.1:${added}`, { path: "/silent" })).status, 504);

    const seen = prober.answers.length;
    await until("answers after the change", () => prober.answers.length >= seen + 20);
    assert.deepEqual(prober.errors, []);
  });

  test(`SIGHUP to ${run.name} with a broken file changes nothing and says why; a mended one counts`, async (t) => {
    const directory = await directoryOf(t);
    await using one = await Origin.start("one");
    await using two = await Origin.start("two");
    const routes = join(directory, "routes.yml");
    const route = (url: string) => `http:
  routers: { all: { rule: "PathPrefix(\`/\`)", service: s } }
  services: { s: { loadBalancer: { servers: [ { url: "${url}" } ] } } }
`;
    await writeFile(routes, route(one.url));
    const web = await freePort();
    const text = (entryPoint: string, rest = "") => `
entryPoints: { web: { ${entryPoint} } }
providers: { providersThrottleDuration: 0, file: { filename: "${routes}", watch: false } }
${rest}`;
    await using scenario = await start(t, run, text(`address: "127.0.0.1:${web}"`));
    const { controlPlane } = scenario;
    await served(`127.0.0.1:${web}`, "one");

    // The file provider reads again whatever is wrong with the static file.
    await scenario.write(text(`adress: "127.0.0.1:0"`, "log: { level: loud }\n"));
    await writeFile(routes, route(two.url));
    controlPlane.kill("SIGHUP");
    await served(`127.0.0.1:${web}`, "two");
    await controlPlane.log(({ msg }) => msg.includes("the one before stays in use"));
    const errors = controlPlane.lines.filter(({ level }) => level === 50).map(({ msg }) => msg);
    assert.match(errors[0] ?? "", /switchyard\.yml:2:23: Unknown key "adress"/);
    assert.match(errors[1] ?? "", /switchyard\.yml:4:15: Invalid value "loud" for log\.level/);
    assert.equal(errors.length, 3);

    const other = await freePort();
    await scenario.write(text(`address: "127.0.0.1:${other}"`, "log: { level: debug }\n"));
    controlPlane.kill("SIGHUP");
    await served(`127.0.0.1:${other}`, "two");
    await controlPlane.log(
      ({ msg, level }) => level === 40 && msg === "needs a restart: log.level",
    );
    controlPlane.kill("SIGTERM");
    assert.deepEqual(await controlPlane.exited, { code: 0, signal: null });
  });
}

/** Taken as late as can be: what is not bound yet may be given to others. */
function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, () => freePort()));
}

/** Resolves when the other side closes. */
async function connectionEnds(port: number | undefined, sent: string): Promise<void> {
  assert.ok(port !== undefined);
  const socket = connect(port, "127.0.0.1");
  socket.resume().write(sent);
  try {
    await once(socket, "close", { signal: AbortSignal.timeout(5_000) });
  } finally {
    socket.destroy();
  }
}

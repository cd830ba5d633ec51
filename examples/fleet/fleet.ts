/**
 * `npm run fleet`: a real etcd, one control plane and three data planes as processes, two demo backends behind them, and
 * lines to try. Ctrl-C ends all; what it kept on disk is in a temporary directory and goes with it.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { locateEtcd } from "../../test/support/etcd-binaries.ts";

const root = join(import.meta.dirname, "../..");
const directory = mkdtempSync(join(tmpdir(), "switchyard-fleet-"));
const children: ChildProcess[] = [];
let ending: boolean = false;

function start(name: string, command: string, args: readonly string[]): void {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  children.push(child);
  child.once("exit", (code) => {
    if (!ending) void end(`${name} ended (exit code ${code})`);
  });
}

async function end(reason: string): Promise<void> {
  if (ending) return;
  ending = true;
  process.stdout.write(`\n${reason}: ending everything\n`);
  const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
  await Promise.all(
    running.map(async (child) => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const hung = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await exited;
      clearTimeout(hung);
    }),
  );
  rmSync(directory, { recursive: true, force: true });
  process.exitCode = reason.startsWith("SIG") ? 0 : 1;
}

/** The preferred port, or a free one when it is taken. */
async function portNear(preferred: number): Promise<number> {
  for (const port of [preferred, 0]) {
    const server = createServer();
    try {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    } catch {
      continue; // taken: the next one
    }
    const address = server.address();
    server.close();
    await once(server, "close");
    if (typeof address === "object" && address !== null) return address.port;
  }
  throw new Error("No port is free on 127.0.0.1");
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on("error", () => resolve(false));
  });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void end(signal));

const { etcd, etcdctl } = locateEtcd();
const etcdPort = await portNear(2379);
const peerPort = await portNear(2380);
const streamPort = await portNear(18_000);
const endpoint = `127.0.0.1:${etcdPort}`;
const ctl = (...args: readonly string[]) =>
  execFileSync(etcdctl, [`--endpoints=${endpoint}`, ...args], {
    env: { ...process.env, ETCDCTL_API: "3" },
    stdio: "pipe",
  });

start("etcd", etcd, [
  ...[
    "--data-dir",
    join(directory, "etcd"),
    "--name",
    "fleet",
    "--logger",
    "zap",
    "--log-level",
    "error",
  ],
  ...[
    "--listen-client-urls",
    `http://${endpoint}`,
    "--advertise-client-urls",
    `http://${endpoint}`,
  ],
  ...["--listen-peer-urls", `http://127.0.0.1:${peerPort}`],
  ...["--initial-advertise-peer-urls", `http://127.0.0.1:${peerPort}`],
  ...["--initial-cluster", `fleet=http://127.0.0.1:${peerPort}`],
]);
const blue = await portNear(9001);
const green = await portNear(9002);
start("backend", process.execPath, [
  "examples/quickstart/backend.ts",
  `blue=${blue}`,
  `green=${green}`,
]);

ctl("put", "traefik/http/services/blue/loadBalancer/servers/0/url", `http://127.0.0.1:${blue}`);
ctl("put", "traefik/http/services/green/loadBalancer/servers/0/url", `http://127.0.0.1:${green}`);
ctl("put", "traefik/http/routers/demo/service", "blue");
ctl("put", "traefik/http/routers/demo/rule", "PathPrefix(`/`)");

start("control plane", "bin/switchyard", [
  "control-plane",
  `--providers.etcd.endpoints=${endpoint}`,
  "--providers.providersThrottleDuration=0",
  "--entryPoints.web.address=127.0.0.1:8000",
  `--fleet.stream.address=127.0.0.1:${streamPort}`,
  `--fleet.admin.address=127.0.0.1:${await portNear(8090)}`,
  "--fleet.insecure=true",
  `--state-dir=${join(directory, "control-plane")}`,
]);
const ports: number[] = [];
for (const index of [1, 2, 3]) {
  const port = await portNear(8000 + index);
  ports.push(port);
  start(`data plane ${index}`, "bin/switchyard", [
    "data-plane",
    `--control-plane=127.0.0.1:${streamPort}`,
    "--insecure",
    `--node-id=node-${index}`,
    `--state-dir=${join(directory, `node-${index}`)}`,
    `--entryPoints.web.address=127.0.0.1:${port}`,
    `--admin=127.0.0.1:${await portNear(8080 + index)}`,
  ]);
}
while (!ending && !(await Promise.all(ports.map(answers))).every(Boolean)) await delay(50);

if (!ending) {
  const line = `ETCDCTL_API=3 ${etcdctl} --endpoints=${endpoint}`;
  process.stdout.write(`
Three data planes serve:

${ports.map((port) => `  curl http://127.0.0.1:${port}/`).join("\n")}

Move the traffic of all three:

  ${line} put traefik/http/routers/demo/service green

Two changes in one transaction are served together, never one without the other:

  printf '\\nput traefik/http/routers/demo/service blue\\nput traefik/http/routers/demo/priority 7\\n\\n\\n' | ${line} txn

A mistake harms its own object only (the router keeps its last good version), and says what is wrong:

  ${line} put traefik/http/routers/demo/rule 'PathPrefix(/)'

Ctrl-C ends everything.
`);
}

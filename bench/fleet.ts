/**
 * One control plane and many data planes: its memory, its loop's delay, the time for one change to reach all of them,
 * and for all to come back after a restart with nothing to send. The control plane's stream is a process of its own over
 * a store in memory; the data planes are light ones (real streams, every chunk checked, no state) in processes of theirs.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { LightNodes } from "../test/support/light-nodes.ts";
import { startLoadedFleet } from "./loaded-fleet.ts";
import { quantile } from "./statistics.ts";
import type { StreamProcessMessage, StreamProcessRequest } from "./stream-process.ts";

const agentsPerProcess = 100;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      agents: { type: "string", default: "200,1000" },
      routers: { type: "string", default: "10000" },
      changes: { type: "string", default: "100" },
    },
  });
  const routers = Number(values.routers);
  for (const agents of values.agents.split(",").map(Number)) {
    await measure(agents, routers, Number(values.changes));
    await measureProgram(agents, routers);
  }
}

async function measure(agents: number, routers: number, changes: number): Promise<void> {
  await using stack = new AsyncDisposableStack();
  let controlPlane = stack.use(await StreamProcess.start(routers, "127.0.0.1:0", 1));
  const { address } = controlPlane;
  const loadedAtMs = performance.now();
  const groups: LightNodes[] = [];
  for (let first = 0; first < agents; first += agentsPerProcess) {
    const count = Math.min(agentsPerProcess, agents - first);
    groups.push(stack.use(new LightNodes({ address, count, prefix: `node-${first}` })));
  }
  const all = (number: bigint) =>
    Promise.all(groups.map((group) => group.reached(number, 120_000)));
  await all(1n);
  const firstLoadMs = performance.now() - loadedAtMs;
  await controlPlane.ask({ kind: "resetDelay" });
  const times: number[] = [];
  let number = 1n;
  for (let index = 0; index < changes; index += 1) {
    number += 1n;
    const startedAtMs = Date.now();
    await controlPlane.ask({ kind: "change", router: index, version: index });
    times.push(Math.max(...(await all(number))) - startedAtMs);
    await delay(20);
  }
  const busy = await controlPlane.ask({ kind: "figures" });
  print(agents, "first load of all", `${firstLoadMs.toFixed(0)} ms`);
  print(
    agents,
    "one change to all",
    `p50 ${quantile(times, 0.5)} ms, p99 ${quantile(times, 0.99)} ms`,
  );
  print(agents, "control plane", figuresOf(busy));

  await controlPlane[Symbol.asyncDispose]();
  const restartedAtMs = performance.now();
  controlPlane = stack.use(await StreamProcess.start(routers, address, changes + 1));
  const boundMs = performance.now() - restartedAtMs;
  let back = await controlPlane.ask({ kind: "figures" });
  while (back.inSync < agents) {
    await delay(20);
    back = await controlPlane.ask({ kind: "figures" });
  }
  print(
    agents,
    "back after a restart",
    `${(performance.now() - restartedAtMs).toFixed(0)} ms, ${boundMs.toFixed(0)} of them until it listens; ${back.bytes} bytes of configuration`,
  );
  print(agents, "control plane", figuresOf(back));
}

/** The whole program on an etcd: what the stream adds to what providers, compiler and store hold. */
async function measureProgram(agents: number, routers: number): Promise<void> {
  await using fleet = await startLoadedFleet({ routers, dataPlanes: 0 });
  const { pid } = fleet.controlPlane;
  await using warm = new LightNodes({ address: fleet.relay.address, count: 1, prefix: "warm" });
  await warm.untilReport("the first generation", ({ lowest }) => lowest !== "0", 120_000);
  const aloneMb = residentMb(pid, "VmRSS");
  await using stack = new AsyncDisposableStack();
  const address = await fleet.controlPlane.address("stream");
  const groups: LightNodes[] = [];
  for (let first = 0; first < agents; first += agentsPerProcess) {
    const count = Math.min(agentsPerProcess, agents - first);
    groups.push(stack.use(new LightNodes({ address, count, prefix: `node-${first}` })));
  }
  await Promise.all(
    groups.map((group) => group.untilReport("all loaded", ({ lowest }) => lowest !== "0", 120_000)),
  );
  print(
    agents,
    "the program on etcd",
    `${residentMb(pid, "VmRSS").toFixed(0)} MB (peak ${residentMb(pid, "VmHWM").toFixed(0)}), ${aloneMb.toFixed(0)} before they came`,
  );
}

function residentMb(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN) / 1_024;
}

function print(agents: number, what: string, figures: string): void {
  process.stdout.write(
    `${String(agents).padStart(5)} data planes  ${what.padEnd(22)} ${figures}\n`,
  );
}

type Figures = Extract<StreamProcessMessage, { kind: "figures" }>;

function figuresOf({ rssMb, peakMb, delayP99Ms, delayMaxMs }: Figures): string {
  return `${rssMb.toFixed(0)} MB (peak ${peakMb.toFixed(0)}), loop delay p99 ${delayP99Ms.toFixed(1)} ms, worst ${delayMaxMs.toFixed(1)} ms`;
}

class StreamProcess implements AsyncDisposable {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  /** `generations` is how many its store holds: one for the seed and one for each change since. */
  static async start(
    routers: number,
    address: string,
    generations: number,
  ): Promise<StreamProcess> {
    const program = new URL("stream-process.ts", import.meta.url);
    const child = fork(program, [`${routers}`, address, `${generations}`], {
      execArgv: ["--max-semi-space-size=8"], // as bin/switchyard starts a control plane
    });
    const [message] = (await once(child, "message")) as [StreamProcessMessage];
    if (message.kind !== "listening") throw new Error("the control plane does not listen");
    return new StreamProcess(child, message.address);
  }

  async ask(request: StreamProcessRequest): Promise<Figures> {
    this.#child.send(request);
    const [message] = (await once(this.#child, "message")) as [StreamProcessMessage];
    if (message.kind !== "figures") throw new Error("the control plane answers something else");
    return message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}

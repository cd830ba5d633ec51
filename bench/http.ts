/**
 * CPU per proxied request of the product and of nginx, HAProxy and Caddy: user and system time of the whole process
 * (and nginx's children) over completed requests. All proxy the same upstream for the same load, one after another,
 * several times around, so that what else the machine does falls on all of them.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { quantile } from "./statistics.ts";
import {
  type ProxyInit,
  startCaddy,
  startEngine,
  startHaproxy,
  startNginxProxy,
  startNginxUpstream,
  startNodeUpstream,
  startProduct,
  writeKeyPair,
} from "./support/http-proxies.ts";
import { findPeer, type PeerProgram } from "./support/peers.ts";
import type { Subject } from "./support/subject.ts";

/** A just-in-time compiler has not compiled everything it will before some ten thousand requests. */
const warmUpSeconds = 4;

interface Candidate {
  readonly subject: Subject;
  /** Hosts asked for, at random. */
  readonly hosts: number;
  readonly rounds: Round[];
}

interface Round {
  readonly microsecondsPerRequest: number;
  readonly requestsPerSecond: number;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "3" },
      connections: { type: "string", default: "64" },
      /** Clients come over TLS. */
      tls: { type: "boolean", default: false },
      /** They speak HTTP/2, over TLS: as many streams as otherwise connections, on four connections. */
      http2: { type: "boolean", default: false },
      /** Each request has a connection of its own: handshakes are measured. */
      close: { type: "boolean", default: false },
      /** Comma-separated beginnings of names; default: all. */
      only: { type: "string", default: "" },
    },
  });
  const wrk = findPeer("wrk");
  if (wrk === undefined) throw new Error("Cannot measure: the load generator wrk is missing");
  const folder = mkdtempSync(join(tmpdir(), "switchyard-bench-http-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const { only, http2, close, connections, seconds } = values;
  const tls = values.tls || http2;
  const candidates = await startAll(stack, folder, only.split(","), tls);
  const load = { wrk, folder, seconds: Number(seconds), connections, tls, http2, close };
  for (const candidate of candidates) measure(candidate, { ...load, seconds: warmUpSeconds });
  for (const candidate of candidates) candidate.rounds.length = 0;
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const candidate of candidates) measure(candidate, load);
  }
  process.stdout.write(table(candidates));
}

async function startAll(
  stack: AsyncDisposableStack,
  folder: string,
  only: readonly string[],
  withTls: boolean,
): Promise<Candidate[]> {
  const nginx = findPeer("nginx");
  const upstream = stack.use(
    nginx === undefined ? await startNodeUpstream() : await startNginxUpstream(nginx, folder),
  );
  const tls = withTls ? writeKeyPair(folder) : undefined;
  const init = { folder, upstreamPort: upstream.port, tls };
  const peer = (program: PeerProgram | undefined, start: PeerStart) =>
    program === undefined ? undefined : () => start(program, init);
  const product = (workers: number, routers: number) => () =>
    startProduct({ ...init, workers, routers });
  const wanted: readonly (readonly [string, number, (() => Promise<Subject>) | undefined])[] = [
    ["switchyard", 1, product(1, 1)],
    ["switchyard", 1, product(2, 1)],
    ["switchyard", 10_000, product(1, 10_000)],
    ["engine", 1, withTls ? undefined : () => startEngine(init)],
    ["nginx", 1, peer(nginx, startNginxProxy)],
    ["haproxy", 1, peer(findPeer("haproxy"), startHaproxy)],
    ["caddy", 1, peer(findPeer("caddy"), startCaddy)],
  ];
  const candidates: Candidate[] = [];
  for (const [name, hosts, start] of wanted) {
    if (start === undefined || !only.some((beginning) => name.startsWith(beginning))) continue;
    candidates.push({ subject: stack.use(await start()), hosts, rounds: [] });
  }
  return candidates;
}

type PeerStart = (program: PeerProgram, init: ProxyInit) => Promise<Subject>;

interface Load {
  readonly wrk: PeerProgram;
  readonly folder: string;
  readonly seconds: number;
  readonly connections: string;
  readonly tls: boolean;
  readonly http2: boolean;
  readonly close: boolean;
}

interface Answers {
  readonly requests: number;
  readonly perSecond: number;
}

function measure(candidate: Candidate, load: Load): void {
  const { subject } = candidate;
  const before = subject.cpuSeconds();
  const { requests, perSecond } = load.http2
    ? askOverHttp2(candidate, load)
    : askOverHttp1(candidate, load);
  const cpuSeconds = subject.cpuSeconds() - before;
  candidate.rounds.push({
    microsecondsPerRequest: (cpuSeconds * 1e6) / requests,
    requestsPerSecond: perSecond,
  });
}

function askOverHttp2({ subject, hosts }: Candidate, { seconds, connections }: Load): Answers {
  const script = join(import.meta.dirname, "support/http2-load.ts");
  const options = {
    port: subject.port,
    seconds,
    hosts,
    connections: 4,
    streams: Math.ceil(Number(connections) / 4),
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const output = execFileSync(process.execPath, [script, ...args], { encoding: "utf8" });
  const [, requests, failures] = /(\d+) requests, (\d+) failures/.exec(output) ?? [];
  if (failures !== "0") {
    throw new Error(`Cannot use the figures of ${subject.name}: ${output.trim()}`);
  }
  return { requests: Number(requests), perSecond: Number(requests) / seconds };
}

function askOverHttp1(candidate: Candidate, load: Load): Answers {
  const { wrk, folder, seconds, connections, tls, close } = load;
  const { subject } = candidate;
  const script = join(folder, `hosts-${candidate.hosts}.lua`);
  writeFileSync(script, hostScript(candidate.hosts, close));
  const args = ["-t1", `-c${connections}`, `-d${seconds}`, "-s", script];
  const output = execFileSync(
    wrk.file,
    [...args, `${tls ? "https" : "http"}://127.0.0.1:${subject.port}/`],
    {
      encoding: "utf8",
      env: { ...process.env, ...wrk.env },
    },
  );
  const requests = Number(/(\d+) requests in/.exec(output)?.[1]);
  if (/Non-2xx|Socket errors/.test(output)) {
    throw new Error(`Cannot use the figures of ${subject.name}: ${output.trim()}`);
  }
  return { requests, perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]) };
}

/** Requests are made beforehand: at load time the generator only picks one. */
function hostScript(hosts: number, close: boolean): string {
  return `local requests = {}
function init(args)
  for i = 0, ${hosts - 1} do
    local headers = { ["Host"] = "host-" .. i .. ".example.com" }
    ${close ? 'headers["Connection"] = "close"' : ""}
    requests[i] = wrk.format("GET", "/", headers)
  end
end
function request() return requests[math.random(0, ${hosts - 1})] end
`;
}

/** Ratios are medians of each round's own: what else the machine did in a round fell on nginx as well. */
function table(candidates: readonly Candidate[]): string {
  const nginx = candidates.find(({ subject }) => subject.name === "nginx")?.rounds;
  const lines = candidates.map(({ subject, rounds }) => {
    const cpu = median(rounds.map(({ microsecondsPerRequest }) => microsecondsPerRequest));
    const rate = median(rounds.map(({ requestsPerSecond }) => requestsPerSecond));
    const ratios = rounds.map(
      ({ microsecondsPerRequest }, round) =>
        microsecondsPerRequest / (nginx?.[round]?.microsecondsPerRequest ?? Number.NaN),
    );
    const ratio = nginx === undefined ? "-" : median(ratios).toFixed(2);
    return row(subject.name, cpu.toFixed(1), ratio, rate.toFixed(0));
  });
  return `${row("", "µs/request", "/ nginx", "req/s")}${lines.join("")}`;
}

function row(name: string, ...columns: readonly string[]): string {
  return `${name.padEnd(40)} ${columns.map((column) => column.padStart(10)).join(" ")}\n`;
}

function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/**
 * What it takes to load N routers with their services, from each kind of source up to the compiler's output, stage by
 * stage; what one changed key among them takes then; and what checking a file takes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Etcd3 } from "etcd3";
import { TestEtcd } from "../../test/support/etcd.ts";
import { runProgram } from "../../test/support/program.ts";
import { putAll } from "../loaded-fleet.ts";
import type { LoadReport } from "./load-source.ts";
import { etcdPairs, tomlText, yamlText } from "./source-text.ts";

const sources = ["yaml", "toml", "pairs", "etcd", "validate"] as const;
type Source = (typeof sources)[number];

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      routers: { type: "string", default: "100000" },
      validated: { type: "string", default: "10000" },
      only: { type: "string", default: sources.join(",") },
    },
  });
  const count = Number(values.routers);
  const wanted = sources.filter((source) => values.only.split(",").includes(source));
  const folder = await mkdtemp(join(tmpdir(), "switchyard-loading-"));
  try {
    for (const source of wanted) {
      await load(source, Number(source === "validate" ? values.validated : count), folder);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function load(source: Source, count: number, folder: string): Promise<void> {
  process.stdout.write(`${source}, ${count} routers and services\n`);
  switch (source) {
    case "yaml":
    case "toml": {
      const path = join(folder, source === "yaml" ? "routes.yml" : "routes.toml");
      await writeFile(path, source === "yaml" ? yamlText(count) : tomlText(count));
      return runLoader("file", path);
    }
    case "validate": {
      const path = join(folder, "routes.yml");
      await writeFile(path, yamlText(count));
      await runLoader("validate", path);
      const small = join(folder, "small.yml");
      await writeFile(small, yamlText(1));
      const [all, start] = [await validateMs(path), await validateMs(small)];
      const shown = `${all.toFixed(0)} ms, of one router ${start.toFixed(0)} ms`;
      process.stdout.write(`  switchyard validate, start and exit included: ${shown}\n`);
      return;
    }
    case "pairs":
      return runLoader("pairs", String(count));
    case "etcd":
      return loadFromEtcd(count);
  }
}

async function runLoader(...args: readonly string[]): Promise<void> {
  const loader = startLoader(args);
  loader.on("message", (message) => print(message as LoadReport));
  await ended(loader);
}

async function validateMs(path: string): Promise<number> {
  const startedAtMs = performance.now();
  const { code, stderr } = await runProgram(["validate", path]);
  if (code !== 0) throw new Error(`Cannot measure: validate ended with ${code}: ${stderr}`);
  return performance.now() - startedAtMs;
}

async function loadFromEtcd(count: number): Promise<void> {
  await using etcd = await TestEtcd.start();
  const client = new Etcd3({ hosts: etcd.endpoint });
  try {
    await putAll(client, etcdPairs(count));
    const loader = startLoader(["etcd", etcd.endpoint]);
    const end = ended(loader);
    loader.on("message", (message) => {
      const report = message as LoadReport;
      if (report.kind === "loaded") void changeKeys(client, count, loader);
      else print(report);
    });
    await end;
  } finally {
    client.close();
  }
}

/** Far enough apart that every key is a change of its own. */
const changeEveryMs = 5;
const changes = 500;

async function changeKeys(client: Etcd3, count: number, loader: ChildProcess): Promise<void> {
  const change = async (round: number) => {
    for (let index = 0; index < changes; index++) {
      const router = (index * 7919) % count;
      await client.put(`traefik/http/routers/r${router}/service`).value(`s${round}`).exec();
      await delay(changeEveryMs);
    }
    await delay(500);
  };
  await change(0);
  loader.send("measure");
  await change(1);
  loader.send("end");
}

function startLoader(args: readonly string[]): ChildProcess {
  return fork(join(import.meta.dirname, "load-source.ts"), args);
}

async function ended(loader: ChildProcess): Promise<void> {
  const [code] = await once(loader, "exit");
  if (code !== 0) throw new Error(`Cannot measure: the loading process ended with ${code}`);
}

function print(report: LoadReport): void {
  if (report.kind === "stage") {
    const { name, wallMs, cpuMs, peakMiB } = report.stage;
    process.stdout.write(
      `  ${name.padEnd(16)} ${wallMs.toFixed(0).padStart(6)} ms` +
        `  CPU ${cpuMs.toFixed(0).padStart(6)} ms  peak memory ${peakMiB.toFixed(0).padStart(5)} MiB\n`,
    );
  } else if (report.kind === "changed") {
    const each = report.cpuMs / report.changes;
    process.stdout.write(`  one changed key  CPU ${each.toFixed(3)} ms (of ${report.changes})\n`);
  }
}

/** One source loaded in a process of its own, so that its memory is its own. Talks to the bench that forked it. */
import { readFileSync } from "node:fs";
import { decodeDynamicFile } from "../../config-model/dynamic/decode-dynamic-file.ts";
import { EtcdObjects } from "../../control-plane/provider/etcd-objects.ts";
import { EtcdProvider } from "../../control-plane/provider/etcd-provider.ts";
import type { ProviderEvent } from "../../control-plane/provider/provider.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { measured, type Stage } from "./measure.ts";
import { Pipeline } from "./pipeline.ts";
import { etcdPairs } from "./source-text.ts";

export type LoadReport =
  | { readonly kind: "stage"; readonly stage: Stage }
  /** Loaded; the bench changes `etcd` now and says when it has. */
  | { readonly kind: "loaded" }
  | { readonly kind: "changed"; readonly changes: number; readonly cpuMs: number };

/** Changed keys before the measured ones: the first of them are not compiled by V8 yet. */
const warmUpChanges = 500;
const measuredChanges = 2_000;

function report(message: LoadReport): void {
  process.send?.(message);
}

async function stage<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const { value, stage: taken } = await measured(name, work);
  report({ kind: "stage", stage: taken });
  return value;
}

async function loadFile(path: string): Promise<void> {
  const text = await stage("read", () => readFileSync(path, "utf8"));
  const { objects } = await stage("decode", () => {
    return decodeDynamicFile({ path, text, env: () => undefined });
  });
  const pipeline = new Pipeline("file");
  await stage("compile", () => pipeline.load([...objects.values()]));
}

async function validateFile(path: string): Promise<void> {
  const { checkConfiguration } = await import("../../cli/check-configuration.ts");
  const text = readFileSync(path, "utf8");
  const problems = await stage("check", () => checkConfiguration([{ path, text }], String));
  if (problems.length > 0) throw new Error(`Cannot measure: ${problems[0]?.message}`);
}

async function loadPairs(count: number): Promise<void> {
  const pairs = etcdPairs(count).map(([key, value]) => ({ key, value }));
  const objects = new EtcdObjects("traefik/");
  const pipeline = new Pipeline("etcd");
  const changes = await stage("decode", () => {
    const { touched } = objects.apply(pairs);
    return Array.from(touched).flatMap((id) => objects.read(id));
  });
  await stage("compile", () => pipeline.load(changes));
  const change = (index: number) => {
    const key = `traefik/http/routers/r${(index * 7919) % count}/service`;
    const { touched } = objects.apply([{ key, value: `s${(index + 1) % count}` }]);
    pipeline.accept({
      kind: "changes",
      changes: Array.from(touched).flatMap((id) => objects.read(id)),
    });
    pipeline.expectCompiled(1);
  };
  for (let index = 0; index < warmUpChanges; index++) change(index);
  const { stage: taken } = await measured("changes", () => {
    for (let index = 0; index < measuredChanges; index++) change(index + warmUpChanges);
  });
  report({ kind: "changed", changes: measuredChanges, cpuMs: taken.cpuMs });
}

async function loadEtcd(endpoint: string): Promise<void> {
  const pipeline = new Pipeline("etcd");
  const first: ProviderEvent[] = [];
  const following: { loaded: boolean; changes: number } = { loaded: false, changes: 0 };
  const provider = new EtcdProvider({
    etcd: {
      endpoints: [endpoint],
      rootKey: "traefik",
      username: undefined,
      password: undefined,
      tls: undefined,
    },
    log: silentLog,
  });
  const stopping = new AbortController();
  await stage("list and decode", async () => {
    const complete = Promise.withResolvers<void>();
    const onEvent = (event: ProviderEvent) => {
      if (following.loaded) {
        pipeline.accept(event);
        if (event.kind === "changes") following.changes += event.changes.length;
        return;
      }
      first.push(event);
      if (event.kind === "complete") complete.resolve();
    };
    await provider.start(onEvent, stopping.signal);
    await complete.promise;
  });
  await stage("compile", () => {
    for (const event of first) pipeline.accept(event);
  });
  following.loaded = true;
  let before: NodeJS.CpuUsage | undefined;
  let changesBefore = 0;
  process.on("message", (message) => {
    if (message === "measure") {
      before = process.cpuUsage();
      changesBefore = following.changes;
    } else {
      const { user, system } = process.cpuUsage(before);
      report({
        kind: "changed",
        changes: following.changes - changesBefore,
        cpuMs: (user + system) / 1000,
      });
      void provider.stop().then(() => process.disconnect?.());
    }
  });
  report({ kind: "loaded" });
}

const [kind = "", source = ""] = process.argv.slice(2);
if (kind === "file") await loadFile(source);
else if (kind === "validate") await validateFile(source);
else if (kind === "pairs") await loadPairs(Number(source));
else await loadEtcd(source);
if (kind !== "etcd") process.disconnect?.();

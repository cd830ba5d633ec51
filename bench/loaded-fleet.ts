/**
 * A fleet with etcd and N routers in it, for measurements from outside. Two services, `a` and `b`, answer with their
 * name; every router starts at `a`.
 */
import { Etcd3 } from "etcd3";
import { TestEtcd } from "../test/support/etcd.ts";
import { Fleet, Origin, served } from "../test/support/fleet.ts";
import type { Program } from "../test/support/program.ts";
import { CountingRelay } from "./counting-relay.ts";

export interface LoadedFleet extends AsyncDisposable {
  readonly etcd: TestEtcd;
  readonly client: Etcd3;
  readonly controlPlane: Program;
  readonly dataPlanes: readonly Program[];
  /** Where the data planes serve, in order. */
  readonly addresses: readonly string[];
  /** Carries the first data plane's stream. */
  readonly relay: CountingRelay;
  /** From the start of the control plane until the first data plane served the last router. */
  readonly loadMs: number;
}

/** etcd takes at most 128 operations in a transaction. */
const operationsPerTransaction = 120;

export async function startLoadedFleet({
  routers,
  dataPlanes: count,
}: {
  readonly routers: number;
  readonly dataPlanes: number;
}): Promise<LoadedFleet> {
  const stack = new AsyncDisposableStack();
  const etcd = stack.use(await TestEtcd.start());
  const [a, b] = [stack.use(await Origin.start("a")), stack.use(await Origin.start("b"))];
  const client = stack.adopt(new Etcd3({ hosts: etcd.endpoint }), (open) => open.close());
  await fill(client, routers, [a.url, b.url]);
  const fleet = stack.use(await Fleet.create());
  const controlPlane = fleet.controlPlane(`--providers.etcd.endpoints=${etcd.endpoint}`);
  await controlPlane.address("stream");
  const relay = stack.use(await CountingRelay.start(fleet.streamAddress));
  const dataPlanes = Array.from({ length: count }, (_, index) =>
    fleet.dataPlane(index === 0 ? { controlPlane: relay.address } : {}),
  );
  const addresses: string[] = [];
  let loadMs = 0;
  for (const dataPlane of dataPlanes) {
    await dataPlane.log(({ msg }) => msg === "listening", 120_000);
    const address = await dataPlane.address("entryPoint", "web");
    await served(address, "a", { host: hostOf(routers - 1) }, 120_000);
    addresses.push(address);
    loadMs ||= performance.now() - controlPlane.startedAtMs;
  }
  return {
    etcd,
    client,
    controlPlane,
    dataPlanes,
    addresses,
    relay,
    loadMs,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export function hostOf(router: number): string {
  return `r${router}.example.com`;
}

/** Moves a router to a service: one put. */
export function routeTo(client: Etcd3, router: number, service: string): Promise<unknown> {
  return client.put(`traefik/http/routers/r${router}/service`).value(service).exec();
}

async function fill(client: Etcd3, routers: number, urls: readonly string[]): Promise<void> {
  const pairs: [string, string][] = [
    ["traefik/http/services/a/loadBalancer/servers/0/url", urls[0] ?? ""],
    ["traefik/http/services/b/loadBalancer/servers/0/url", urls[1] ?? ""],
  ];
  await putAll(client, [...pairs, ...routerPairs(0, routers)]);
}

export function routerPairs(first: number, count: number): [string, string][] {
  return Array.from({ length: count }, (_, index) => first + index).flatMap(
    (router): [string, string][] => [
      [`traefik/http/routers/r${router}/rule`, `Host(\`${hostOf(router)}\`)`],
      [`traefik/http/routers/r${router}/service`, "a"],
    ],
  );
}

export async function putAll(client: Etcd3, pairs: readonly [string, string][]): Promise<void> {
  const batches: [string, string][][] = [];
  for (let start = 0; start < pairs.length; start += operationsPerTransaction) {
    batches.push(pairs.slice(start, start + operationsPerTransaction));
  }
  const writers = Array.from({ length: 8 }, async () => {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
      await client
        .if("never", "Create", "==", 0)
        .then(...batch.map(([key, value]) => client.put(key).value(value)))
        .commit();
    }
  });
  await Promise.all(writers);
}

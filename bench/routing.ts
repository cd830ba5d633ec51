/**
 * Time of a routing decision by number of routers, for hosts asked for uniformly and for 1 % of them getting 90 %; and
 * what putting one router in or out costs. Every request has strings of its own, made as a worker makes them: slices of
 * the text of a head that was just read. So reading a host and a path is part of the figure, and finding them in the
 * cache is not: only the requests of one batch are there.
 */
import { parseArgs } from "node:util";
import { HeaderList } from "../data-plane/http/header-list.ts";
import { Placement, placementKeys } from "../data-plane/routing/placement.ts";
import type { RequestFacts } from "../data-plane/routing/request-facts.ts";
import type { Route } from "../data-plane/routing/route.ts";
import { RoutingIndex } from "../data-plane/routing/routing-index.ts";
import { ruleOf } from "../test/support/data-plane-resources.ts";
import { SeededRandom } from "../test/support/seeded-random.ts";
import { quantile } from "./statistics.ts";

interface Shape {
  readonly name: string;
  readonly rule: (index: number) => string;
  /** A request that the rule of this index matches. */
  readonly request: (index: number) => { readonly host: string; readonly path: string };
}

const hostShape: Shape = {
  name: "hosts",
  rule: (i) => `Host(\`app-${i}.example.com\`) && PathPrefix(\`/api\`)`,
  request: (i) => ({ host: `app-${i}.example.com`, path: "/api/items/1" }),
};
const wildcardShape: Shape = {
  name: "wildcards",
  rule: (i) => `Host(\`*.tenant-${i}.example.com\`)`,
  request: (i) => ({ host: `www.tenant-${i}.example.com`, path: "/api/items/1" }),
};
const prefixShape: Shape = {
  name: "prefixes",
  rule: (i) => `Host(\`one.example.com\`) && PathPrefix(\`/team-${i % 97}/service-${i}/\`)`,
  request: (i) => ({ host: "one.example.com", path: `/team-${i % 97}/service-${i}/items/1` }),
};
const mixed: readonly Shape[] = [hostShape, hostShape, wildcardShape, prefixShape];
const mixedShape: Shape = {
  name: "mixture",
  rule: (i) => (mixed[i % mixed.length] ?? hostShape).rule(i),
  request: (i) => (mixed[i % mixed.length] ?? hostShape).request(i),
};

const shapes = [hostShape, wildcardShape, prefixShape, mixedShape];

const passes = 5;
const batchesPerPass = 200;
/** Few enough to stay in the cache, as a request that was just parsed does; the routers do not. */
const requestsPerBatch = 500;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      routers: { type: "string", default: "1000,10000,100000" },
      shapes: { type: "string", default: "hosts,wildcards,prefixes,mixture" },
    },
  });
  process.stdout.write("ns per decision, median (best) of passes; us per router put in and out\n");
  process.stdout.write(
    "90 % to 1 %: to routers that were put in one after another, or far from each other\n",
  );
  process.stdout.write("routers  shape      uniform      together     apart        in     out\n");
  for (const count of values.routers.split(",").map(Number)) {
    for (const shape of shapes) {
      if (!values.shapes.split(",").includes(shape.name)) continue;
      process.stdout.write(`${measure(shape, count)}\n`);
    }
  }
}

function measure(shape: Shape, count: number): string {
  const index = new RoutingIndex<Route>();
  const placements: Placement<Route>[] = [];
  for (let i = 0; i < count; i += 1) placements.push(placementOf(shape, i));
  const inUs = timeEachUs(placements, (placement) => index.add(placement));
  const uniform = decisions(shape, index, (random) => random.below(count));
  const hot = Math.max(1, Math.floor(count / 100));
  const skewed = (stride: number) =>
    decisions(shape, index, (random) =>
      random.chance(0.9) ? (random.below(hot) * stride) % count : random.below(count),
    );
  const together = skewed(1);
  const apart = skewed(101);
  const sample = placements.filter((_, i) => i % Math.ceil(count / 1_000) === 0);
  const outUs = timeEachUs(sample, (placement) => index.remove(placement));
  return [
    String(count).padEnd(8),
    shape.name.padEnd(10),
    summary(uniform).padEnd(12),
    summary(together).padEnd(12),
    summary(apart).padEnd(12),
    inUs.toFixed(2).padEnd(6),
    outUs.toFixed(2),
  ].join(" ");
}

function placementOf(shape: Shape, index: number): Placement<Route> {
  const rule = shape.rule(index);
  const route = { name: `router-${index}@file`, priority: rule.length, precedence: 0 };
  const [key] = placementKeys(ruleOf(rule));
  if (key === undefined) throw new Error(`Cannot place ${rule}`);
  return new Placement<Route>(route, key);
}

function timeEachUs<T>(items: readonly T[], work: (item: T) => void): number {
  const startedMs = performance.now();
  for (const item of items) work(item);
  return ((performance.now() - startedMs) * 1_000) / items.length;
}

function decisions(
  shape: Shape,
  index: RoutingIndex<Route>,
  choose: (random: SeededRandom) => number,
): number[] {
  const random = new SeededRandom(7);
  const figures: number[] = [];
  const headers = new HeaderList();
  for (let pass = 0; pass < passes; pass += 1) {
    const batches: number[] = [];
    for (let batch = 0; batch < batchesPerPass; batch += 1) {
      const requests = Array.from({ length: requestsPerBatch }, () =>
        factsOf(shape.request(choose(random)), headers),
      );
      batches.push(timeToFindNs(index, requests) / requestsPerBatch);
    }
    // Of the clock, as CPU time is counted in milliseconds: batches that other processes fell into are no median.
    figures.push(quantile(batches, 0.5));
  }
  return figures.slice(1); // the first compiles the code
}

function timeToFindNs(index: RoutingIndex<Route>, requests: readonly RequestFacts[]): number {
  let found = 0;
  const startedNs = process.hrtime.bigint();
  for (const facts of requests) if (index.find(facts) !== undefined) found += 1;
  const elapsedNs = Number(process.hrtime.bigint() - startedNs);
  if (found !== requests.length) throw new Error(`${requests.length - found} requests lost`);
  return elapsedNs;
}

function factsOf(
  { host, path }: ReturnType<Shape["request"]>,
  requestHeaders: HeaderList,
): RequestFacts {
  const bytes = Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\n\r\n`,
    "latin1",
  );
  const text = bytes.toString("latin1");
  const pathEnd = 4 + path.length;
  const hostStart = pathEnd + " HTTP/1.1\r\nHost: ".length;
  return {
    method: "GET",
    host: text.slice(hostStart, hostStart + host.length),
    routingPath: text.slice(4, pathEnd),
    query: "",
    requestHeaders,
    peerAddress: "127.0.0.1",
  };
}

function summary(figures: readonly number[]): string {
  return `${quantile(figures, 0.5).toFixed(0)} (${Math.min(...figures).toFixed(0)})`;
}

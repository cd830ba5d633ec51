/**
 * However a state came about (edits put in place, edits built beside, one full transfer), it answers alike. Edits are
 * random over few names, so that references dangle, come true and vanish, and content is refused and mended.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Resource,
  type ResourceKey,
  resourceId,
} from "../../config-model/snapshot/resource.ts";
import {
  bodyResource,
  keyOf,
  middlewareOf,
  routerOf,
  serviceOf,
  tcpRouterOf,
  tcpServiceOf,
  udpRouterOf,
  udpServiceOf,
  udpWeightedOf,
  webEntryPoint,
} from "../../test/support/data-plane-resources.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { StateHarness } from "../../test/support/state-harness.ts";
import { connectionFacts } from "../../test/support/tcp-routers.ts";

const sequences = Number(process.env["SWITCHYARD_TEST_EDIT_SEQUENCES"] ?? 150);
const editsPerSequence = 12;

const entryPoints = ["web", "alt"];
const hosts = ["a.test", "b.test", "x.a.test"];
const paths = ["/", "/a", "/a/b", "/a%2fb"];
const connections = [
  connectionFacts({ peerAddress: "10.0.0.1" }),
  connectionFacts({ serverName: "a.test" }),
  connectionFacts({ serverName: "x.test", alpnProtocols: ["h2"] }),
];
const rules = [
  "Host(`a.test`)",
  "Host(`*.a.test`) && PathPrefix(`/a`)",
  "PathPrefix(`/`)",
  "Host(`a.test`) || Host(`b.test`)",
  "Path(`/a/b`)",
  "!Host(`a.test`)",
];
const services = ["s1", "s2", "s3"];
const middlewares = ["m1@p", "m2@p", "m3@p", "m4@p", "m1@q"];

function randomResource(random: SeededRandom): Resource {
  switch (random.below(8)) {
    case 7:
      return randomUdp(random);
    case 0:
      return webEntryPoint(random.pick(entryPoints), {
        udp: random.chance(0.2) ? { sessionTimeoutMs: 1 } : undefined,
        readTimeoutMs: random.below(3),
        httpMiddlewares: random.pick([[], [], ["m1"], ["m2@p", "m1@p"], ["m1@none"]]),
        deniedPathCharacters: random.pick(["", "/;"]),
      });
    case 1:
      return serviceOf(
        random.pick(services),
        random.chance(0.1) ? [{ scheme: "h2c" }] : [9_001 + random.below(4)],
      );
    case 2:
      return middlewareOf(random.pick(middlewares), {
        $case: "addPrefix",
        value: { prefix: `/${random.pick(["p", "q"])}` },
      });
    case 3: {
      const members = random.pick([["m1@p"], ["m2@p", "m3@p"], ["m4@p"], []]);
      return middlewareOf(random.pick(middlewares), {
        $case: "chain",
        value: { middlewares: members },
      });
    }
    case 4:
      return random.chance(0.5)
        ? tcpServiceOf(random.pick(services), [9_009])
        : randomTcpRouter(random);
    default:
      return randomRouter(random);
  }
}

/** A weighted service may lead back to itself for a while. */
function randomUdp(random: SeededRandom): Resource {
  const service = random.pick(services);
  switch (random.below(3)) {
    case 0:
      return udpServiceOf(service, [9_001 + random.below(4)]);
    case 1:
      return udpWeightedOf(service, { [random.pick(services)]: 1, s3: random.below(3) });
    default: {
      const places = random.pick([["web"], ["alt"], ["web", "alt"]]);
      return udpRouterOf(random.pick(["u1", "u2", "u3"]), { service, entryPoints: places });
    }
  }
}

/** Without TLS a rule that names a server is refused. */
function randomTcpRouter(random: SeededRandom): Resource {
  const rule = random.pick([
    "HostSNI(`*`)",
    "ClientIP(`10.0.0.0/8`)",
    "ALPN(`h2`)",
    "HostSNI(`a.test`) || HostSNI(`*.test`)",
  ]);
  const tls = { options: random.pick(["default", "x@p"]), passthrough: random.chance(0.3) };
  return tcpRouterOf(random.pick(["t1", "t2"]), {
    rule,
    entryPoints: [random.pick(entryPoints)],
    ...(random.chance(0.5) && { tls }),
  });
}

function randomRouter(random: SeededRandom): Resource {
  const number = random.below(6);
  const name = `r${number}@${number % 2 === 0 ? "p" : "q"}`;
  if (random.chance(0.05)) {
    const body = routerOf(name);
    return bodyResource(
      name,
      { $case: "nodeSettings", value: { httpTransport: undefined, tcpTransport: undefined } },
      [String(body.kind)],
    );
  }
  const isChild = random.chance(0.4);
  return routerOf(name, {
    rule: random.pick(rules),
    service: random.chance(0.4) ? "" : random.pick(services),
    ...(isChild
      ? { parents: random.pick([["r0@p"], ["r1@q", "r2@p"], ["r3@q"], ["none"]]) }
      : { entryPoints: random.pick([["web"], ["alt"], ["web", "alt"]]) }),
    middlewares: random.pick([[], [], ["m1@p"], ["m2@p", "m1@q"], ["m4@p"]]),
    priority: BigInt(random.below(3)),
  });
}

/** Everything that can be seen of a state from outside. */
function answers(harness: StateHarness): string[] {
  const seen: string[] = [];
  for (const entryPoint of entryPoints) {
    for (const host of hosts) {
      for (const path of paths) {
        seen.push(`${entryPoint} ${host}${path}: ${harness.ask({ host, path }, entryPoint)}`);
      }
    }
    const { tcp, tcpTls } = harness.entryPoints.get(entryPoint) ?? {};
    const udpRouter = harness.entryPoints.get(entryPoint)?.udp.winner;
    const servers = new Set<string>();
    udpRouter?.service.current.collect(servers, new Set());
    seen.push(`${entryPoint} udp: ${udpRouter?.plan.name} ${[...servers].sort().join()}`);
    for (const table of [tcp, tcpTls]) {
      for (const facts of connections) {
        const router = table?.find(facts);
        const { matches: _, ...plan } = router?.plan ?? {};
        const handler = router?.service.current.constructor.name;
        seen.push(`${entryPoint} ${table?.size} ${JSON.stringify([facts, plan, handler])}`);
      }
    }
  }
  return seen;
}

test(`${sequences} random edit sequences end alike, put in place or built beside`, async () => {
  for (let sequence = 0; sequence < sequences; sequence += 1) {
    const random = new SeededRandom(sequence);
    const inPlace = new StateHarness();
    const beside = new StateHarness({ maxEdits: 0 });
    // What a node that was never refused anything would hold: the last usable version of each resource.
    const held = new Map<string, Resource>();
    for (let edit = 0; edit < editsPerSequence; edit += 1) {
      const upserts = new Map<string, Resource>();
      for (let i = random.below(5); i >= 0; i -= 1) {
        const resource = randomResource(random);
        upserts.set(resourceId(resource), resource);
      }
      const removals: ResourceKey[] = [];
      for (const [id, resource] of held) {
        if (upserts.has(id) || !random.chance(0.1)) continue;
        removals.push(keyOf(resource));
        held.delete(id);
      }
      const rejected = await inPlace.apply([...upserts.values()], { removals });
      assert.deepEqual(await beside.apply([...upserts.values()], { removals }), rejected);
      for (const { resourceKind: kind, name } of rejected)
        upserts.delete(resourceId({ kind, name }));
      for (const [id, resource] of upserts) held.set(id, resource);
    }
    const scratch = new StateHarness();
    assert.deepEqual(await scratch.apply([...held.values()], { full: true }), []);
    assert.deepEqual(answers(inPlace), answers(scratch), `sequence ${sequence}`);
    assert.deepEqual(answers(beside), answers(scratch), `sequence ${sequence}`);
    await inPlace.apply([...held.values()], { full: true });
    assert.deepEqual(answers(inPlace), answers(scratch), `sequence ${sequence}, full`);
    const alive = (harness: StateHarness) =>
      harness.upstreams.filter(({ closed }) => closed === 0).length;
    assert.equal(
      alive(inPlace),
      alive(scratch),
      `sequence ${sequence}: servers left open or closed twice`,
    );
    assert(inPlace.upstreams.every(({ closed }) => closed <= 1));
  }
});

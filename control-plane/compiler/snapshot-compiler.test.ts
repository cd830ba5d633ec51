import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import { type ObjectKey, objectId } from "../../config-model/dynamic/object-key.ts";
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";
import {
  EntryPoint,
  type HttpRouter,
  ResourceBody,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import {
  addPrefix,
  chain,
  entryPoint,
  httpMiddleware,
  httpRouter,
  httpService,
  nodeSettings,
  tcpRouter,
  tcpService,
  tlsCertificate,
  tlsStore,
  udpRouter,
  udpService,
} from "../../test/support/dynamic-config.ts";
import type { WatchedChange } from "../watcher/watched-change.ts";
import { decodeBody } from "./resource-body.ts";
import { SnapshotCompiler } from "./snapshot-compiler.ts";

function change(name: string, config: DynamicObject, line = 1): WatchedChange {
  const source = { provider: "file", location: "routes.yml", line, column: 1 };
  const key = { kind: config.kind, name };
  return { id: objectId(key), key, object: { source, config, problems: [] } };
}

function broken(key: ObjectKey, message: string): WatchedChange {
  const source = { provider: "file", location: "routes.yml", line: 9, column: 1 };
  const problem: Diagnostic = { severity: "error", code: "invalid-value", message, source };
  return { id: objectId(key), key, object: { source, config: undefined, problems: [problem] } };
}

function gone(kind: ObjectKey["kind"], name: string): WatchedChange {
  return { id: objectId({ kind, name }), key: { kind, name }, object: undefined };
}

const web = change("web", entryPoint(8000));

/** A compiler, what it has published so far, and what it says about whom. */
class Compiling {
  readonly compiler: SnapshotCompiler;
  readonly resources = new Map<string, Resource>();
  readonly said = new Map<string, readonly Diagnostic[]>();

  constructor(withholdsKeys = false) {
    this.compiler = new SnapshotCompiler({ precedence: ["file", "etcd"], withholdsKeys });
  }

  apply(...changes: readonly WatchedChange[]) {
    const { delta, diagnostics } = this.compiler.apply(changes);
    for (const removed of delta.removals) assert.ok(this.resources.delete(label(removed)));
    for (const resource of delta.upserts) this.resources.set(label(resource), resource);
    for (const { key, diagnostics: now } of diagnostics) this.said.set(objectId(key), now);
    return {
      upserts: delta.upserts.map(label).sort(),
      removals: delta.removals.map(label).sort(),
    };
  }

  messages(id: string): readonly string[] {
    return (this.said.get(id) ?? []).map(({ severity, code, message }) =>
      [severity, code, message].join(" | "),
    );
  }

  router(name: string): HttpRouter {
    const body = decodeBody(this.resources.get(`httpRouter:${name}`)!.payload);
    assert.equal(body?.$case, "httpRouter");
    return body.value;
  }
}

function label(key: ResourceKey): string {
  const object = objectKeyOf(key);
  assert.ok(object);
  return objectId(object);
}

function started(...changes: readonly WatchedChange[]): Compiling {
  const compiling = new Compiling();
  compiling.apply(web, ...changes);
  return compiling;
}

describe("SnapshotCompiler", () => {
  test("compiles a router, its service and its middleware", () => {
    const compiling = new Compiling();
    const { upserts, removals } = compiling.apply(
      web,
      change("node", nodeSettings()),
      change("shop@file", httpRouter({ rule: "Host(`Shop.Example`)", middlewares: ["p"] })),
      change("p@file", addPrefix("/v1")),
      change("app@file", httpService(["http://10.0.0.1:8080/x"])),
    );
    assert.deepEqual(upserts, [
      "entryPoint:web",
      "httpMiddleware:p@file",
      "httpRouter:shop@file",
      "httpService:app@file",
      "nodeSettings:node",
    ]);
    assert.deepEqual(removals, []);
    assert.deepEqual(compiling.router("shop@file"), {
      entryPoints: ["web"],
      rule: {
        node: { $case: "matcher", value: { kind: 1, arguments: ["shop.example"], negated: false } },
      },
      priority: 20n,
      precedence: 0,
      middlewares: ["p@file"],
      service: "app@file",
      parents: [],
      tls: undefined,
      defaultTlsOn: [],
    });
    assert.deepEqual([...compiling.said], []);
  });

  test("publishes exactly what changed", () => {
    const compiling = started(change("r@file", httpRouter()), change("app@file", httpService()));
    assert.deepEqual(compiling.apply(change("app@file", httpService(["http://10.0.0.2:80"]))), {
      upserts: ["httpService:app@file"],
      removals: [],
    });
    assert.deepEqual(compiling.apply(change("r@file", httpRouter({ priority: 7n }))), {
      upserts: ["httpRouter:r@file"],
      removals: [],
    });
    assert.deepEqual(compiling.apply(change("r@file", httpRouter({ priority: 7n }), 44)), {
      upserts: [],
      removals: [],
    });
  });

  test("tells where an object stands without compiling it again when it only moved", () => {
    const moving = change("r@file", httpRouter());
    const compiling = started(moving, change("app@file", httpService()));
    const source = { provider: "file", location: "routes.yml", line: 7, column: 3 };
    compiling.apply({ ...moving, object: { ...moving.object!, source } });
    assert.deepEqual(compiling.compiler.sourceOf({ kind: 3, name: "r@file" }), source);
  });

  test("takes a router out for as long as its service is not there", () => {
    const compiling = started(change("r@file", httpRouter({ service: "late" })));
    assert.equal(compiling.resources.has("httpRouter:r@file"), false);
    assert.deepEqual(compiling.messages("httpRouter:r@file"), [
      'error | unknown-reference | Cannot use router "r@file": service "late@file" does not exist',
    ]);
    assert.deepEqual(compiling.apply(change("late@file", httpService())).upserts, [
      "httpRouter:r@file",
      "httpService:late@file",
    ]);
    assert.deepEqual(compiling.messages("httpRouter:r@file"), []);
    assert.deepEqual(compiling.apply(gone("httpService", "late@file")).removals, [
      "httpRouter:r@file",
      "httpService:late@file",
    ]);
  });

  test("names the first cause of a router that is out through chains", () => {
    const compiling = started(
      change("app@file", httpService()),
      change("r@file", httpRouter({ middlewares: ["outer"] })),
      change("outer@file", chain("inner")),
      change("inner@file", chain("auth@etcd")),
    );
    assert.deepEqual(compiling.messages("httpRouter:r@file"), [
      'error | disabled-reference | Cannot use router "r@file": middleware "outer@file" is not in use: middleware "auth@etcd" does not exist',
    ]);
    const { upserts } = compiling.apply(change("auth@etcd", addPrefix("/a")));
    assert.equal(upserts.length, 4);
    assert.deepEqual(compiling.messages("httpRouter:r@file"), []);
  });

  test("takes everything in and above a loop out, until it is broken", () => {
    const compiling = started(
      change("app@file", httpService()),
      change("r@file", httpRouter({ middlewares: ["a"] })),
      change("a@file", chain("b")),
      change("b@file", addPrefix("/b")),
    );
    assert.deepEqual(compiling.apply(change("b@file", chain("c")), change("c@file", chain("a"))), {
      upserts: [],
      removals: ["httpMiddleware:a@file", "httpMiddleware:b@file", "httpRouter:r@file"],
    });
    assert.deepEqual(compiling.messages("httpMiddleware:a@file"), [
      'error | reference-loop | Cannot use middleware "a@file": it refers to itself (a@file -> b@file -> c@file -> a@file)',
    ]);
    assert.match(compiling.messages("httpRouter:r@file").join(), /disabled-reference/);
    assert.equal(compiling.apply(change("c@file", addPrefix("/c"))).upserts.length, 4);
    assert.deepEqual(compiling.messages("httpRouter:r@file"), []);
  });

  test("tells a member of a loop from what is only above another one, also when one of two loops is broken", () => {
    const compiling = started(
      change("a@file", chain("b")),
      change("b@file", chain("b", "c")),
      change("c@file", chain("d")),
      change("d@file", chain("a")),
    );
    const said = () => compiling.messages("httpMiddleware:a@file").join();
    assert.match(said(), /it refers to itself \(a@file -> b@file -> c@file -> d@file -> a@file\)$/);
    compiling.apply(change("d@file", addPrefix("/d")));
    assert.match(said(), /middleware "b@file" is not in use: .* \(b@file -> b@file\)$/);
    compiling.apply(change("d@file", chain("a")));
    assert.match(said(), /it refers to itself/);
    compiling.apply(gone("httpMiddleware", "d@file"));
    assert.match(said(), /middleware "b@file" is not in use: /);
  });

  test("keeps the last good version of a broken object, and its references late bound", () => {
    const compiling = started(change("r@file", httpRouter()), change("app@file", httpService()));
    const { upserts } = compiling.apply(change("r@file", httpRouter({ rule: "Host(" })));
    assert.deepEqual(upserts, []);
    assert.match(
      compiling.messages("httpRouter:r@file").join(),
      /^error \| invalid-rule \| Cannot use router "r@file": rule "Host\(" is invalid at character \d+: /,
    );
    assert.match(
      compiling.said.get("httpRouter:r@file")![0]!.hint!,
      /its last good version stays in use$/,
    );
    assert.deepEqual(compiling.apply(gone("httpService", "app@file")).removals, [
      "httpRouter:r@file",
      "httpService:app@file",
    ]);
    assert.deepEqual(compiling.apply(change("app@file", httpService())).upserts.length, 2);
    compiling.apply(gone("httpRouter", "r@file"));
    assert.deepEqual(
      compiling.apply(change("r@file", httpRouter({ rule: "Host(" }))).upserts,
      [],
      "what was deleted in between has no last good version",
    );
  });

  test("keeps the last good version of what the provider could not decode", () => {
    const compiling = started(change("r@file", httpRouter()), change("app@file", httpService()));
    const key: ObjectKey = { kind: "httpService", name: "app@file" };
    assert.deepEqual(compiling.apply(broken(key, "weight is not a number")).removals, []);
    assert.deepEqual(compiling.messages("httpService:app@file"), [
      "error | invalid-value | weight is not a number",
    ]);
    compiling.apply(change("app@file", httpService()));
    assert.deepEqual(compiling.messages("httpService:app@file"), []);
  });

  test("never opens what is not built", () => {
    const unbuilt = [{ path: "basicAuth", effect: "closed" as const }];
    const compiling = started(
      change("r@file", httpRouter({ middlewares: ["auth"] })),
      change("app@file", httpService()),
      change("auth@file", httpMiddleware({ unbuilt })),
    );
    assert.equal(compiling.resources.has("httpRouter:r@file"), false);
    assert.deepEqual(compiling.messages("httpMiddleware:auth@file"), [
      'error | not-built | Cannot use middleware "auth@file": "basicAuth" is not supported yet',
    ]);
    assert.deepEqual(compiling.messages("httpRouter:r@file"), [
      'error | disabled-reference | Cannot use router "r@file": middleware "auth@file" is not in use',
    ]);
  });

  test("serves without what only makes things better, and says so", () => {
    const unbuilt = [{ path: "loadBalancer.sticky", effect: "degraded" as const }];
    const service = httpService(undefined, { unbuilt });
    const compiling = started(change("r@file", httpRouter()), change("app@file", service));
    assert.ok(compiling.resources.has("httpRouter:r@file"));
    assert.deepEqual(compiling.messages("httpService:app@file"), [
      'warning | not-built-degraded | Cannot honour "loadBalancer.sticky" of service "app@file": it is not supported yet',
    ]);
  });

  test("follows the default entry points", () => {
    const compiling = started(change("r@file", httpRouter()), change("app@file", httpService()));
    assert.deepEqual(compiling.apply(change("alt", entryPoint(8001))).upserts, [
      "entryPoint:alt",
      "httpRouter:r@file",
    ]);
    assert.deepEqual(compiling.router("r@file").entryPoints, ["alt", "web"]);
    compiling.apply(change("alt", entryPoint(8001, { asDefault: true })));
    assert.deepEqual(compiling.router("r@file").entryPoints, ["alt"]);
    compiling.apply(change("traefik", entryPoint(8080)), gone("entryPoint", "alt"));
    assert.deepEqual(compiling.router("r@file").entryPoints, ["web"]);
  });

  test("warns of an unknown entry point, and takes a router without a known one out", () => {
    const compiling = started(
      change("r@file", httpRouter({ entryPoints: ["nowhere", "web"] })),
      change("app@file", httpService()),
    );
    assert.deepEqual(compiling.router("r@file").entryPoints, ["web"]);
    assert.deepEqual(compiling.messages("httpRouter:r@file"), [
      'warning | unknown-reference | Cannot use entry point "nowhere" for router "r@file": it does not exist',
    ]);
    compiling.apply(gone("entryPoint", "web"));
    assert.equal(compiling.resources.has("httpRouter:r@file"), false);
    compiling.apply(change("nowhere", entryPoint(8002)));
    assert.deepEqual(compiling.router("r@file").entryPoints, ["nowhere"]);
  });

  const refused: readonly (readonly [string, DynamicObject, string])[] = [
    ["a router without rule", httpRouter({ rule: undefined }), "it has no rule"],
    ["a router without service", httpRouter({ service: undefined }), "it has no service"],
    [
      "a priority above the users' highest",
      httpRouter({ priority: 2n ** 63n - 1000n }),
      "priority 9223372036854774808 is too high",
    ],
    ["a server URL without host", httpService(["http://:80"]), "has no valid host"],
    ["a service of no type", httpService([], { loadBalancer: undefined }), "it has no type"],
    ["a middleware of no type", httpMiddleware(), "it has no type"],
    ["HostSNI of a name without TLS", tcpRouter({ rule: "HostSNI(`a.example`)" }), "needs TLS"],
    ["a TCP address without port", tcpService(["db.example"]), "is not host:port"],
    ["a UDP service of no type", { kind: "udpService", unbuilt: [] }, "it has no type"],
    ["a UDP address without port", udpService(["dns.example"]), "is not host:port"],
    ["a UDP router without service", udpRouter({ service: undefined }), "it has no service"],
    ["an unbuilt kind", { kind: "tcpMiddleware", unbuilt: [] }, "this kind is not supported yet"],
  ];
  for (const [what, config, message] of refused) {
    test(`refuses ${what}`, () => {
      const compiling = started(
        change(config.kind.startsWith("tcp") ? "app@etcd" : "other@etcd", tcpService()),
      );
      const { upserts } = compiling.apply(change("x@file", config));
      assert.deepEqual(upserts, []);
      const said = compiling.said.get(`${config.kind}:x@file`);
      assert.equal(said?.length, 1);
      assert.ok(said[0]!.message.includes(message), said[0]!.message);
    });
  }

  test("compiles TCP routers with the priority of a catch-all", () => {
    const compiling = started(change("db@file", tcpRouter()), change("app@file", tcpService()));
    const body = decodeBody(compiling.resources.get("tcpRouter:db@file")!.payload);
    assert.equal(body?.$case, "tcpRouter");
    assert.equal(body.value.priority, -1n);
    assert.equal(body.value.service, "app@file");
  });

  test("serves the last UDP router by name on an entry point, of those that can be served", () => {
    const compiling = started(
      change("dns", entryPoint(53, { protocol: "udp" })),
      change("log", entryPoint(514, { protocol: "udp" })),
      change("app@file", udpService()),
      change("a@file", udpRouter()),
      change("b@file", udpRouter({ entryPoints: ["dns"] })),
      change("c@file", udpRouter({ entryPoints: ["dns"], service: "late" })),
    );
    const bodyOf = (name: string) => {
      const resource = compiling.resources.get(`udpRouter:${name}`);
      return resource && decodeBody(resource.payload)?.value;
    };
    const beaten = (name: string, by: string) => [
      `warning | invalid-value | Cannot serve UDP router "${name}" on entry point "dns": UDP router "${by}" is served there`,
    ];
    assert.deepEqual(bodyOf("a@file"), { entryPoints: ["dns", "log"], service: "app@file" });
    assert.deepEqual(compiling.messages("udpRouter:a@file"), beaten("a@file", "b@file"));
    assert.deepEqual(compiling.messages("udpRouter:b@file"), []);
    compiling.apply(change("late@file", udpService()));
    assert.deepEqual(compiling.messages("udpRouter:a@file"), beaten("a@file", "c@file"));
    assert.deepEqual(compiling.messages("udpRouter:b@file"), beaten("b@file", "c@file"));
    compiling.apply(gone("udpRouter", "c@file"), gone("udpRouter", "b@file"));
    assert.deepEqual(compiling.messages("udpRouter:a@file"), []);
    const { upserts } = compiling.apply(change("log", entryPoint(514)));
    assert.deepEqual(upserts, ["entryPoint:log", "udpRouter:a@file"]);
    assert.deepEqual(bodyOf("a@file"), { entryPoints: ["dns"], service: "app@file" });
    compiling.apply(gone("entryPoint", "dns"));
    assert.deepEqual(compiling.messages("udpRouter:a@file"), [
      'error | unknown-reference | Cannot use UDP router "a@file": it names no entry point, and there are no UDP ones',
    ]);
  });

  test("sends of a UDP entry point what counts there, and what a node must know for it", () => {
    const tls = { options: undefined };
    const dns = entryPoint(53, {
      ...{ protocol: "udp", udpTimeoutMs: 500, host: "::1" },
      http: { middlewares: ["auth@file"], tls },
    });
    const compiling = started(change("dns", dns));
    const { payload } = compiling.resources.get("entryPoint:dns")!;
    const { features, body } = ResourceBody.decode(payload);
    assert.deepEqual(features, ["udp-entry-point"]);
    assert.deepEqual(body?.value, {
      ...EntryPoint.create({ host: "::1", port: 53, graceTimeoutMs: 10_000 }),
      udp: { sessionTimeoutMs: 500 },
    });
    assert.deepEqual(compiling.messages("entryPoint:dns"), []);
  });

  test("carries the newest generation over as last good, and drops what its provider deletes", () => {
    const before = started(
      change("r@file", httpRouter()),
      change("s@file", httpRouter()),
      change("app@file", httpService()),
    );
    const after = new Compiling();
    for (const [id, resource] of before.resources) after.resources.set(id, resource);
    after.compiler.carryOver({ upserts: [...before.resources.values()], removals: [] });
    assert.deepEqual(
      after.apply(
        web,
        change("r@file", httpRouter({ rule: "Nope()" })),
        gone("httpRouter", "s@file"),
      ),
      { upserts: [], removals: ["httpRouter:s@file"] },
    );
    assert.deepEqual([...after.resources.keys()].sort(), [
      "entryPoint:web",
      "httpRouter:r@file",
      "httpService:app@file",
    ]);
    assert.deepEqual(after.apply(change("app@file", httpService())), { upserts: [], removals: [] });
  });

  test("takes a carried router out when what it requires is gone", () => {
    const before = started(change("r@file", httpRouter()), change("app@file", httpService()));
    const after = new Compiling();
    const kept = [...before.resources].filter(([id]) => id !== "httpService:app@file");
    for (const [id, resource] of kept) after.resources.set(id, resource);
    after.compiler.carryOver({ upserts: kept.map(([, resource]) => resource), removals: [] });
    assert.deepEqual(after.apply().removals, ["httpRouter:r@file"]);
    assert.match(after.messages("httpRouter:r@file").join(), /service "app@file" does not exist/);
  });

  test("looks at nothing but what a change touches", () => {
    const armed = { now: false };
    const guarded = <Config extends DynamicObject>(config: Config): Config =>
      new Proxy(config, {
        get(target, property, receiver) {
          assert.ok(!armed.now, `${config.kind} was looked at`);
          return Reflect.get(target, property, receiver);
        },
      });
    const compiling = started(
      change("app@file", httpService()),
      change("p@file", addPrefix("/p")),
      ...Array.from({ length: 500 }, (_, index) =>
        change(`r${index}@file`, guarded(httpRouter({ middlewares: ["p"] }))),
      ),
    );
    armed.now = true;
    const other = httpRouter({ rule: "Path(`/other`)" });
    assert.deepEqual(compiling.apply(change("r7@file", other)).upserts, ["httpRouter:r7@file"]);
    assert.equal(compiling.apply(change("app@file", httpService([]))).upserts.length, 1);
    assert.equal(compiling.apply(change("p@file", addPrefix("/q"))).upserts.length, 1);
    assert.equal(
      compiling.apply(gone("httpService", "app@file")).removals.length,
      502 - 1,
      "even what takes all routers out compiles none of them again",
    );
  });

  test("refuses a server of a scheme that is not built, and keeps the router out", () => {
    const service = httpService(["https://10.0.0.1"]);
    const compiling = started(change("r@file", httpRouter()), change("app@file", service));
    assert.match(compiling.messages("httpService:app@file").join(), /^error \| not-built \| /);
    assert.equal(compiling.resources.has("httpRouter:r@file"), false);
  });

  test("sorts headers, so that their order in the source does not show", () => {
    const headers = (...names: readonly string[]) =>
      httpMiddleware({
        headers: {
          customRequestHeaders: new Map(names.map((name) => [name, "1"])),
          customResponseHeaders: new Map(),
        },
      });
    const compiling = started(change("h@file", headers("X-B", "X-A")));
    const again = compiling.apply(change("h@file", headers("X-A", "X-B")));
    assert.deepEqual(again, { upserts: [], removals: [] });
  });

  test("keeps the last good version of what cannot be encoded", () => {
    const compiling = started(change("app@file", httpService()));
    const heavy = httpService();
    const [server] = heavy.loadBalancer!.servers;
    const loadBalancer = { ...heavy.loadBalancer!, servers: [{ ...server!, weight: 2 ** 40 }] };
    const { removals } = compiling.apply(change("app@file", { ...heavy, loadBalancer }));
    assert.deepEqual(removals, []);
    assert.match(compiling.messages("httpService:app@file").join(), /^error \| invalid-value \| /);
  });

  test("leaves what holds a private key out where it may not be sent, also what was published before", () => {
    const certificate = change("abc@file", tlsCertificate());
    const store = change("default@file", tlsStore());
    const before = started(certificate, store);
    const compiling = new Compiling(true);
    compiling.compiler.carryOver({ upserts: [...before.resources.values()], removals: [] });
    for (const [id, resource] of before.resources) compiling.resources.set(id, resource);
    assert.deepEqual(compiling.apply(), { upserts: [], removals: ["tlsCertificate:abc@file"] });
    assert.deepEqual(compiling.apply(web, certificate, store), { upserts: [], removals: [] });
    assert.deepEqual(compiling.messages("tlsCertificate:abc@file"), [
      'error | withheld-secret | Cannot use TLS certificate "abc@file": its private key would be sent over a stream without TLS',
    ]);
    const defaultCertificate = { certFile: "cert", keyFile: "key" };
    const withKey = change("default@file", tlsStore({ defaultCertificate }));
    assert.deepEqual(compiling.apply(withKey).removals, ["tlsStore:default@file"]);
  });

  test("leaves resources of a kind it does not know alone", () => {
    const compiling = new Compiling();
    const unknown: Resource = {
      kind: 99 as never,
      name: "x@file",
      hash: new Uint8Array(32),
      payload: new Uint8Array(),
    };
    compiling.compiler.carryOver({ upserts: [unknown], removals: [] });
    assert.deepEqual(compiling.apply(web), { upserts: ["entryPoint:web"], removals: [] });
  });
});

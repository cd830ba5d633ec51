/**
 * What Traefik makes of the configurations of several providers: names, default entry points, entry-point models, TLS
 * options of a host, throttling. Traefik splits a router for each entry point with a model (`websecure-shop`); here an
 * entry point's settings are bound to its routers late, so that what is compared is what each router has on each entry
 * point.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { decodeDocument } from "../../config-model/dynamic/decode-document.ts";
import type { EntryPointConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { ProviderAggregator } from "../../control-plane/aggregator/provider-aggregator.ts";
import type { Provider, ProviderEvent } from "../../control-plane/provider/provider.ts";
import { ConfigurationWatcher } from "../../control-plane/watcher/configuration-watcher.ts";
import { createLog } from "../../foundation/pino-log.ts";
import { TlsVersion } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { entryPoint } from "../support/dynamic-config.ts";
import { DynamicPipeline } from "../support/dynamic-pipeline.ts";
import { vectors } from "../support/vectors.ts";

type Fields = Readonly<Record<string, unknown>>;
type Named = Readonly<Record<string, Fields>>;

interface MergeVector {
  readonly kind: "merge";
  readonly source: string;
  readonly defaultEntryPoints: readonly string[];
  readonly given: Readonly<
    Record<string, Readonly<Record<string, Readonly<Record<string, Named>>>>>
  >;
  readonly compare: string;
  readonly expected: Readonly<Record<string, Named>>;
}

interface HttpPart {
  readonly routers: Named;
  readonly models?: Named;
}

interface ModelVector {
  readonly kind: "applyModel";
  readonly source: string;
  readonly given: { readonly http: HttpPart };
  readonly expected: { readonly http: HttpPart };
}

interface TlsVector {
  readonly kind: "resolveHTTPTLSOptions";
  readonly source: string;
  readonly given: { readonly routers: Named };
  readonly expectedResolvedOptions: Readonly<Record<string, string>>;
  readonly unexpectedRouters: readonly string[];
}

interface WatchVector {
  readonly kind: "watch";
  readonly source: string;
  readonly throttleMs?: number;
  readonly messages: readonly {
    readonly provider: string;
    readonly configuration: unknown;
    readonly afterMs?: number;
  }[];
  readonly expected: Readonly<Record<string, unknown>>;
}

const all = vectors<MergeVector | ModelVector | TlsVector | WatchVector>("aggregator-merge");

function ofKind<T extends { readonly kind: string }>(kind: T["kind"]): readonly T[] {
  const found = all.filter((vector) => vector.kind === kind) as unknown as readonly T[];
  assert.ok(found.length > 2, kind);
  return found;
}

const service = { loadBalancer: { servers: [{ url: "http://10.0.0.1" }] } };

/** The vectors leave out what they do not look at. */
const fillings: Readonly<Record<string, Fields>> = {
  "http.routers": { rule: "PathPrefix(`/`)", service: "service-1" },
  "http.services": service,
  "http.middlewares": { addPrefix: { prefix: "/x" } },
  "tcp.routers": { rule: "HostSNI(`*`)", service: "service-1" },
  "tcp.services": { loadBalancer: { servers: [{ address: "10.0.0.1:1" }] } },
};

const kinds: Readonly<Record<string, string>> = {
  "http.routers": "httpRouter",
  "http.services": "httpService",
  "http.middlewares": "httpMiddleware",
  "tcp.routers": "tcpRouter",
  "tcp.services": "tcpService",
};

for (const vector of ofKind<MergeVector>("merge")) {
  if (vector.compare.startsWith("tls")) continue;
  test(`merge: ${vector.source}`, () => {
    const entryPoints = vector.defaultEntryPoints.map((name) => [name, entryPoint(80)]);
    const providers = Object.keys(vector.given);
    const pipeline = new DynamicPipeline(providers, Object.fromEntries(entryPoints));
    const section = vector.compare;
    for (const [provider, configuration] of Object.entries(vector.given)) {
      pipeline.feed(provider, { [section]: filledIn(section, configuration[section] ?? {}) });
    }
    for (const [collection, expected] of Object.entries(vector.expected)) {
      const kind = kinds[`${section}.${collection}`];
      if (kind === undefined) {
        assert.deepEqual(expected, {});
        continue;
      }
      const published = [...pipeline.bodies].filter(([id]) => id.startsWith(`${kind}:`));
      const names = published.map(([id]) => id.slice(kind.length + 1));
      assert.deepEqual(new Set(names), new Set(Object.keys(expected)));
      for (const [id, body] of published) {
        if (body.$case !== "httpRouter" && body.$case !== "tcpRouter") continue;
        const wanted: unknown = expected[id.slice(kind.length + 1)]?.["entryPoints"];
        assert.deepEqual(body.value.entryPoints, wanted);
      }
    }
  });
}

/** What the vectors call the default options is what nodes have built in: it is not sent. */
const builtInOptions = "default";

for (const vector of ofKind<MergeVector>("merge")) {
  const [section, collection = ""] = vector.compare.split(".");
  if (section !== "tls") continue;
  const isAcme = "tlsalpn.acme" in (vector.given ?? {});
  const skip = isAcme && "certificates of ACME's TLS challenge: there is no such provider";
  test(`merge: ${vector.source}`, { skip }, () => {
    const pipeline = new DynamicPipeline(Object.keys(vector.given ?? {}), {});
    for (const [provider, configuration] of Object.entries(vector.given ?? {})) {
      pipeline.feed(provider, configuration);
    }
    const kind = `tls${collection === "certificates" ? "Certificate" : collection === "options" ? "Options" : "Store"}`;
    const ours = [...pipeline.bodies].filter(([id]) => id.startsWith(`${kind}:`));
    const names = ours.map(([id]) => id.slice(kind.length + 1).replace(/^default@.*/, "default"));
    const theirs = Object.keys(vector.expected ?? {}).filter((name) => {
      return kind !== "tlsOptions" || name !== builtInOptions;
    });
    if (kind === "tlsStore") {
      // Traefik keeps stores that it never looks at; here they are left out, and it is said.
      const unused = theirs.filter((name) => name !== "default");
      assert.deepEqual(unused, ["foo@provider-2"]);
      for (const name of unused) assert.equal(pipeline.saidOf("tlsStore", name).length, 1);
      assert.deepEqual(names, ["default"]);
    } else assert.deepEqual(new Set(names), new Set(theirs));
    for (const [id, body] of ours) {
      const wanted = vector.expected[id.slice(kind.length + 1).replace(/^default@.*/, "default")];
      if (body.$case === "tlsOptions") {
        const version = `VersionTLS1${body.value.minVersion - TlsVersion.TLS_VERSION_1_0}`;
        assert.equal(version, wanted?.["minVersion"]);
      } else if (body.$case === "tlsStore") {
        const { certPem: certFile, keyPem: keyFile } = body.value.defaultCertificate ?? {};
        assert.deepEqual({ defaultCertificate: { certFile, keyFile } }, wanted);
      }
    }
  });
}

function filledIn(section: string, collections: Readonly<Record<string, Named>>) {
  return Object.fromEntries(
    Object.entries(collections).map(([collection, objects]) => [
      collection,
      Object.fromEntries(
        Object.entries(objects).map(([name, fields]) => [
          name,
          { ...fillings[`${section}.${collection}`], ...fields },
        ]),
      ),
    ]),
  );
}

/** What a router has on an entry point. */
interface Facts {
  readonly tls: boolean;
  readonly middlewares: readonly string[];
}

/** `router on entry point` → facts. A split router counts as the one it was split from. */
function traefikFacts({ routers }: HttpPart): Map<string, Facts> {
  const facts = new Map<string, Facts>();
  for (const [name, { entryPoints = [], middlewares = [], tls }] of Object.entries(routers)) {
    for (const on of entryPoints as readonly string[]) {
      const own = name.startsWith(`${on}-`) ? name.slice(on.length + 1) : name;
      const list = middlewares as readonly string[];
      facts.set(`${own} on ${on}`, { tls: tls !== undefined, middlewares: list });
    }
  }
  return facts;
}

for (const vector of ofKind<ModelVector>("applyModel")) {
  test(`model: ${vector.source}`, () => {
    const { routers, models = {} } = vector.given.http;
    const withModel = Object.entries(models).map(([name, model]): [string, EntryPointConfig] => {
      const middlewares = (model["middlewares"] as readonly string[] | undefined) ?? [];
      const tls = model["tls"] === undefined ? undefined : { options: undefined };
      return [name.split("@")[0] ?? "", entryPoint(443, { http: { middlewares, tls } })];
    });
    const entryPoints = {
      web: entryPoint(80, { asDefault: true }),
      ...Object.fromEntries(withModel),
    };
    const pipeline = new DynamicPipeline(["file"], entryPoints);
    const parents = new Set(Object.values(routers).flatMap(({ parentRefs = [] }) => parentRefs));
    const filled = Object.entries(routers).map(([name, fields]) => {
      const own = parents.has(name) ? {} : { service: "app" };
      return [name, { rule: "PathPrefix(`/`)", ...own, ...fields }];
    });
    const middlewares = {
      test: { addPrefix: { prefix: "/x" } },
      auth: { addPrefix: { prefix: "/y" } },
    };
    pipeline.feed("file", {
      http: { routers: Object.fromEntries(filled), services: { app: service }, middlewares },
    });
    const ours = new Map<string, Facts>();
    for (const [name, fields] of Object.entries(routers)) {
      const body = pipeline.bodies.get(`httpRouter:${name}@file`);
      const served = body?.$case === "httpRouter" ? body.value.entryPoints : [];
      for (const on of (fields["entryPoints"] as readonly string[] | undefined) ?? []) {
        assert.ok(served.includes(on), on);
        const settings = pipeline.bodies.get(`entryPoint:${on}`);
        assert.equal(settings?.$case, "entryPoint");
        const tls = settings.value.httpTls !== undefined || fields["tls"] !== undefined;
        const own = (fields["middlewares"] as readonly string[] | undefined) ?? [];
        ours.set(`${name} on ${on}`, {
          tls,
          middlewares: [...settings.value.httpMiddlewares, ...own],
        });
      }
      const askedParents = fields["parentRefs"] as readonly string[] | undefined;
      if (askedParents === undefined || body?.$case !== "httpRouter") continue;
      assert.deepEqual(
        body.value.parents,
        askedParents.map((parent) => `${parent}@file`),
      );
    }
    assert.deepEqual(ours, traefikFacts(vector.expected.http));
  });
}

for (const vector of ofKind<TlsVector>("resolveHTTPTLSOptions")) {
  test(`TLS options: ${vector.source}`, () => {
    const names = Object.values(vector.given.routers).flatMap(({ entryPoints }) => entryPoints);
    const entryPoints = (names as string[]).map((name) => [name, entryPoint(443)]);
    const pipeline = new DynamicPipeline(["file"], Object.fromEntries(entryPoints));
    const given = Object.entries(vector.given.routers).map(([name, { tls, ...fields }]) => {
      const written = Object.keys(tls as object).length === 0 ? true : tls;
      return [name.replace("@file", ""), { ...fields, service: "app", tls: written }];
    });
    const routers = Object.fromEntries(given);
    const named = Object.values(vector.given.routers).flatMap(
      ({ tls }) => (tls as { readonly options?: string }).options ?? [],
    );
    const options = Object.fromEntries(named.map((name) => [name, { sniStrict: true }]));
    pipeline.feed("file", { http: { routers, services: { app: service } }, tls: { options } });
    const ours = Object.keys(vector.given.routers).map((name) => {
      const body = pipeline.bodies.get(`httpRouter:${name}`);
      assert.equal(body?.$case, "httpRouter");
      const { defaultTlsOn, entryPoints: on } = body.value;
      assert.equal(on.length, 1);
      const isDefault = defaultTlsOn.length > 0;
      if (isDefault) assert.deepEqual(defaultTlsOn, on);
      return [name, isDefault ? "default" : body.value.tls?.options];
    });
    const theirs = Object.entries(vector.expectedResolvedOptions).map(([name, options]) => [
      name.replace(/^.*-conflicted-/, ""),
      options,
    ]);
    assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(theirs));
  });
}

/** Why a vector of the watch loop says nothing about this one. */
const watchedOtherwise: ReadonlyMap<string, string> = new Map([
  ["TestIgnoreTransientConfiguration", "changes are keyed: there is no listener to be busy"],
  ["TestWaitForRequiredProvider", "a start waits for every provider, not for a required one"],
  ["TestConfigurationWatcher_MultipleTransformers", "there are no transformers"],
]);

class SayingProvider implements Provider {
  readonly name: string;
  emit: (event: ProviderEvent) => void = () => {};

  constructor(name: string) {
    this.name = name;
  }

  async start(emit: (event: ProviderEvent) => void): Promise<void> {
    this.emit = emit;
    emit({ kind: "complete" });
  }

  async stop(): Promise<void> {}
}

for (const vector of ofKind<WatchVector>("watch")) {
  const name = vector.source.split(":")[1] ?? "";
  const skip = watchedOtherwise.get(name) ?? false;
  test(`watch: ${vector.source}`, { skip }, (context) => watch(vector, context));
}

async function watch(vector: WatchVector, context: TestContext): Promise<void> {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let calls = 0;
  const last = new Map<string, unknown>();
  const provider = new SayingProvider("mock");
  const watcher = new ConfigurationWatcher({
    providers: ["mock"],
    onBatch: ({ changes }) => {
      if (changes.length > 0) calls++;
      for (const { key, object } of changes) last.set(`${key.kind}:${key.name}`, object);
    },
    onProblems: () => {},
  });
  const aggregator = new ProviderAggregator({
    providers: [provider],
    throttleMs: vector.throttleMs ?? 0,
    deliver: (tagged) => watcher.accept(tagged),
    log: createLog({ level: "error", format: "json" }),
  });
  aggregator.start(new AbortController().signal);
  assert.deepEqual(watcher.pendingProviders, []);
  for (const { configuration, afterMs = 0 } of vector.messages) {
    context.mock.timers.tick(afterMs);
    const { objects } = decodeDocument(JSON.stringify(configuration ?? {}), "routes.yml");
    if (objects.size > 0) provider.emit({ kind: "changes", changes: [...objects.values()] });
  }
  context.mock.timers.tick(1_000);
  const { listenerCalls, listenerCallsMin, listenerCallsMax } = vector.expected;
  const atLeast = Number(listenerCalls ?? listenerCallsMin);
  const atMost = Number(listenerCalls ?? listenerCallsMax);
  assert.ok(calls >= atLeast && calls <= atMost, `${calls} calls`);
  const newest = vector.messages.at(-1)?.configuration as { http?: { routers?: Named } } | null;
  for (const router of Object.keys(newest?.http?.routers ?? {})) {
    assert.notEqual(last.get(`httpRouter:${router}@mock`), undefined, "the last is delivered");
  }
  await aggregator.stop();
}

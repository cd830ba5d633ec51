/** What an entry point gives its routers, and layers of routers, from documents to the snapshot and what is said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { entryPoint } from "../support/dynamic-config.ts";
import { DynamicPipeline } from "../support/dynamic-pipeline.ts";

const services = { app: { loadBalancer: { servers: [{ url: "http://10.0.0.1" }] } } };
const shop = { rule: "Host(`shop.example`)", service: "app" };

function middlewaresOn(name: string, middlewares: readonly string[]) {
  return { [name]: entryPoint(80, { http: { middlewares, tls: undefined } }) };
}

function sentences(pipeline: DynamicPipeline): readonly string[] {
  return [...pipeline.diagnostics.values()].flat().map(({ message }) => message);
}

test("an entry point says which of its middlewares is missing, until it is there", () => {
  const pipeline = new DynamicPipeline(["file"], middlewaresOn("web", ["auth@file"]));
  pipeline.feed("file", { http: { routers: { shop }, services } });
  assert.deepEqual(sentences(pipeline), [
    'Cannot serve HTTP routers on entry point "web": middleware "auth@file" does not exist',
  ]);
  const middlewares = { auth: { addPrefix: { prefix: "/x" } } };
  pipeline.feed("file", { http: { middlewares } });
  assert.deepEqual(sentences(pipeline), []);
});

test("a middleware without provider is looked up in the provider of each router", () => {
  const pipeline = new DynamicPipeline(["file", "etcd"], middlewaresOn("web", ["auth"]));
  const middlewares = { auth: { addPrefix: { prefix: "/x" } } };
  pipeline.feed("file", { http: { routers: { shop }, services, middlewares } });
  pipeline.feed("etcd", { http: { routers: { shop }, services } });
  assert.deepEqual(sentences(pipeline), [
    'Cannot serve router "shop@etcd" behind the middlewares of its entry points: middleware "auth@etcd" does not exist',
  ]);
});

function secure(options: string | undefined) {
  return entryPoint(443, { http: { middlewares: [], tls: { options } } });
}

test("an entry point gives TLS to routers without, with options of its own", () => {
  const pipeline = new DynamicPipeline(["file"], { web: entryPoint(80), secure: secure("strict") });
  pipeline.feed("file", { http: { routers: { shop }, services } });
  const router = pipeline.bodies.get("httpRouter:shop@file");
  assert.equal(router?.$case, "httpRouter");
  assert.deepEqual(router.value.entryPoints, ["secure", "web"]);
  assert.deepEqual(router.value.defaultTlsOn, []);
  const settings = pipeline.bodies.get("entryPoint:secure");
  assert.equal(settings?.$case, "entryPoint");
  assert.deepEqual(settings.value.httpTls, { options: "strict" });
  assert.deepEqual(sentences(pipeline), [
    'Cannot serve router "shop@file" with the TLS options of its entry points: TLS options "strict@file" do not exist',
  ]);
  pipeline.feed("file", { tls: { options: { strict: { sniStrict: true } } } });
  assert.deepEqual(sentences(pipeline), []);
});

test("options an entry point gives are not for a rule without host, nor against those of a router", () => {
  const pipeline = new DynamicPipeline(["file"], { secure: secure("strict@file") });
  const routers = {
    any: { rule: "PathPrefix(`/`)", service: "app" },
    given: { rule: "Host(`a.example`)", service: "app" },
    own: { rule: "Host(`b.example`)", service: "app", tls: { options: "own" } },
    both: { rule: "Host(`a.example`) || Host(`b.example`)", service: "app" },
  };
  const options = { strict: { sniStrict: true }, own: { sniStrict: true } };
  pipeline.feed("file", { http: { routers, services }, tls: { options } });
  assert.deepEqual(defaultTlsOn(pipeline), {
    any: ["secure"],
    // `both` is of one host with `own`, so that it has the default options, and `given` with it.
    given: ["secure"],
    own: ["secure"],
    both: ["secure"],
  });
  pipeline.remove("file", { kind: "httpRouter", name: "both" });
  assert.deepEqual(defaultTlsOn(pipeline), { any: ["secure"], given: [], own: [] });
  assert.deepEqual(sentences(pipeline), [
    'Cannot use TLS options "strict@file" of entry point "secure" for router "any@file": its rule names no host',
  ]);
});

function defaultTlsOn(pipeline: DynamicPipeline): Record<string, readonly string[]> {
  const found: Record<string, readonly string[]> = {};
  for (const [id, body] of pipeline.bodies) {
    if (body.$case !== "httpRouter") continue;
    found[id.slice("httpRouter:".length, -"@file".length)] = body.value.defaultTlsOn;
  }
  return found;
}

test("default TLS options that are broken close connections, until they are good or gone", () => {
  const pipeline = new DynamicPipeline(["file"], { web: entryPoint(443) });
  const options = (content: unknown) => ({ tls: { options: { default: content } } });
  const isUnusable = () => {
    const body = pipeline.bodies.get("tlsOptions:default@file");
    return body?.$case === "tlsOptions" ? body.value.unusable : undefined;
  };
  pipeline.feed("file", options({ minVersion: "new" }));
  assert.equal(isUnusable(), true);
  pipeline.feed("file", options({ minVersions: "VersionTLS12" }));
  assert.equal(isUnusable(), true);
  pipeline.feed("file", options({ minVersion: "VersionTLS12" }));
  assert.equal(isUnusable(), false);
  pipeline.feed("file", options({ minVersion: "new" }));
  assert.equal(isUnusable(), false, "the last good version stays");
  pipeline.remove("file", { kind: "tlsOptions", name: "default" });
  assert.equal(isUnusable(), undefined);
});

test("default TLS options of two providers are told apart from none", () => {
  const pipeline = new DynamicPipeline(["file", "etcd"], { web: entryPoint(443) });
  const options = { default: { sniStrict: true } };
  pipeline.feed("file", { tls: { options } });
  assert.deepEqual(sentences(pipeline), []);
  pipeline.feed("etcd", { tls: { options } });
  const several = (provider: string) =>
    `Cannot use TLS options "default@${provider}": providers "etcd" and "file" each define it, so that none counts`;
  assert.deepEqual(sentences(pipeline).toSorted(), [several("etcd"), several("file")]);
  pipeline.remove("file", { kind: "tlsOptions", name: "default" });
  assert.deepEqual(sentences(pipeline), []);
});

test("routers of one host with different TLS options all learn of it, and that it is mended", () => {
  const pipeline = new DynamicPipeline(["file"], { web: entryPoint(443) });
  const router = (options: string) => ({ ...shop, tls: { options } });
  pipeline.feed("file", { http: { routers: { a: router("x"), b: router("y") }, services } });
  const conflict = (name: string) =>
    `Cannot use TLS options of router "${name}@file" for host "shop.example" on entry point "web": its routers ask for "x@file" and "y@file"`;
  const conflicts = () => sentences(pipeline).filter((one) => one.includes("TLS options of"));
  assert.deepEqual(conflicts(), [conflict("a"), conflict("b")]);
  pipeline.feed("file", { http: { routers: { b: router("x") } } });
  assert.deepEqual(conflicts(), []);
});

test("a parent without service is in use as long as one of its children is", () => {
  const pipeline = new DynamicPipeline(["file"], { web: entryPoint(80) });
  const parent = { rule: "PathPrefix(`/api`)" };
  const child = { rule: "Path(`/api/v1`)", service: "app", parentRefs: ["api"] };
  const served = () => [...pipeline.bodies.keys()].filter((id) => id.startsWith("httpRouter:"));
  pipeline.feed("file", { http: { routers: { api: parent } } });
  assert.deepEqual(served(), []);
  assert.deepEqual(sentences(pipeline), [
    'Cannot use router "api@file": it has no service, and no router names it as a parent',
  ]);
  pipeline.feed("file", { http: { routers: { v1: child } } });
  assert.deepEqual(served(), []);
  assert.deepEqual(sentences(pipeline).toSorted(), [
    'Cannot use router "api@file": no child router is in use',
    'Cannot use router "v1@file": parent router "api@file" is not in use: router "api@file" has no child router in use',
    'Cannot use router "v1@file": service "app@file" does not exist',
  ]);
  pipeline.feed("file", { http: { services } });
  assert.deepEqual(new Set(served()), new Set(["httpRouter:api@file", "httpRouter:v1@file"]));
  assert.deepEqual(sentences(pipeline), []);
});

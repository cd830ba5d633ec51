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

test("a router is not served where its entry point would give it TLS, and is elsewhere", () => {
  const secure = entryPoint(443, {
    http: { middlewares: [], tls: { options: undefined } },
    unbuilt: [{ path: "http.tls", effect: "closed" }],
  });
  const pipeline = new DynamicPipeline(["file"], { web: entryPoint(80), secure });
  pipeline.feed("file", { http: { routers: { shop }, services } });
  const router = pipeline.bodies.get("httpRouter:shop@file");
  assert.equal(router?.$case, "httpRouter");
  assert.deepEqual(router.value.entryPoints, ["web"]);
  assert.ok(pipeline.bodies.has("entryPoint:secure"));
  assert.deepEqual(sentences(pipeline), [
    'Cannot honour "http.tls" of entry point "secure": it is not supported yet',
    'Cannot serve router "shop@file" on entry point "secure": "http.tls" of the entry point is not supported yet',
  ]);
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

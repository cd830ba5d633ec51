/** Nothing may stay behind of what is gone: a node lives for months of changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EntryPoint } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { ruleOf } from "../../test/support/data-plane-resources.ts";
import { RecordedExchange } from "../../test/support/recorded-exchange.ts";
import { CounterRegistry } from "../metrics/counter-registry.ts";
import type { HttpRouterPlan } from "../routing/http-router.ts";
import { placementKeys } from "../routing/placement.ts";
import { LiveState } from "./live-state.ts";
import { planMiddleware } from "./plan-middleware.ts";

function newState(): LiveState {
  return new LiveState(new CounterRegistry().routers);
}

function routerPlan(name: string, fields: Partial<HttpRouterPlan> = {}): HttpRouterPlan {
  return {
    name,
    fingerprint: name,
    priority: 1,
    precedence: 0,
    entryPoints: ["web"],
    parents: [],
    keys: placementKeys(ruleOf("PathPrefix(`/`)")),
    middlewares: [],
    service: "app",
    tlsOptions: undefined,
    defaultTlsOn: [],
    ...fields,
  };
}

function putEntryPoint(state: LiveState, httpMiddlewares: string[]): void {
  const settings = EntryPoint.create({ httpMiddlewares });
  state.putEntryPoint({ name: "web", fingerprint: httpMiddlewares.join(), settings });
}

function ask(state: LiveState): RecordedExchange {
  const exchange = new RecordedExchange();
  state.entryPoints.get("web")?.tables.httpHandler.handle(exchange);
  return exchange;
}

test("middlewares an entry point no longer names are let go of, used or not", () => {
  const state = newState();
  state.putRouter(routerPlan("r@p"));
  putEntryPoint(state, ["a", "b@p", "none"]);
  ask(state);
  assert.equal(state.middlewares.size, 3);
  putEntryPoint(state, ["b"]);
  ask(state);
  assert.equal(state.middlewares.size, 1);
  const type = { $case: "addPrefix", value: { prefix: "/b" } } as const;
  state.middlewares.define("b@p", planMiddleware({ type }, "f"));
  assert.equal(ask(state).path, "/b/");
  const draining = state.entryPoints.get("web")?.tables.httpHandler;
  state.removeEntryPoint("web");
  state.middlewares.remove("b@p");
  assert.equal(state.middlewares.size, 0);
  draining?.handle(new RecordedExchange());
  assert.equal(state.middlewares.size, 0, "a connection that drains makes nothing new");
});

test("what parents and children have between them goes with the last of them, in any order", () => {
  const root = routerPlan("root", { service: "" });
  const child = routerPlan("child", { entryPoints: [], parents: ["root", "other"] });
  const removals = ["root", "child"];
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const state = newState();
    state.putRouter(child);
    state.putRouter(root);
    state.putRouter(root);
    state.putRouter(child);
    state.putRouter({ ...child, parents: ["root"] });
    assert.equal(state.children.size, 1);
    for (const index of order) state.removeRouter(removals[index] ?? "");
    assert.equal(state.children.size, 0);
    assert.equal(state.services.size, 0);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordedExchange } from "../../test/support/recorded-exchange.ts";
import { CounterFamily } from "../metrics/counter-registry.ts";
import { HttpService, type HttpUpstream } from "./http-service.ts";

function answering(name: string): HttpUpstream {
  return { forward: (exchange) => exchange.respond(200, name), close: () => {} };
}

function serviceOf(weights: Readonly<Record<string, number>>): HttpService {
  const servers = Object.entries(weights).map(([key, weight]) => ({
    key,
    weight,
    upstream: answering(key),
  }));
  return new HttpService({ name: "app", fingerprint: "f", servers, counters: new CounterFamily() });
}

function ask(service: HttpService): RecordedExchange {
  const exchange = new RecordedExchange();
  service.handle(exchange);
  return exchange;
}

for (const weights of [{}, { a: 0, b: -1 }]) {
  test(`HttpService with weights ${JSON.stringify(weights)} has no available server`, () => {
    assert.deepEqual(ask(serviceOf(weights)).answer, {
      status: 503,
      body: "no available server\n",
    });
  });
}

test("HttpService forwards to its servers by weight and names its counters", () => {
  const service = serviceOf({ a: 2, b: 1, c: 0 });
  const answers = Array.from({ length: 6 }, () => ask(service).answer?.body);
  assert.equal(answers.filter((name) => name === "a").length, 4);
  assert.equal(answers.filter((name) => name === "b").length, 2);
  assert.equal(ask(service).serviceCounters?.name, "app");
});

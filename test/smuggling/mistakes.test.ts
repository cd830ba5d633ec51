/** An engine with a mistake in it does not get past the corpus. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { corpus } from "./corpus.ts";
import { problemOf } from "./judge-outcome.ts";
import { type GatewayModules, importGateway, runRequest, runResponse } from "./memory-gateway.ts";
import { mistakes } from "./mistakes.ts";
import type { StreamCase } from "./stream-case.ts";

const textOf = (stream: StreamCase) => (stream.kind === "request" ? stream.sent : stream.answered);
/** The short ones first: most mistakes need no other. */
const streams = Object.values(corpus)
  .flat()
  .toSorted((a, b) => textOf(a).length - textOf(b).length);
/** Some mistakes show only where a stream is cut. */
const maxCutBytes = 200;

function problemIn(modules: GatewayModules, stream: StreamCase, isCut: boolean) {
  const text = textOf(stream);
  if (isCut && text.length > maxCutBytes) return undefined;
  const pieces = isCut ? [...text] : [text];
  const outcome =
    stream.kind === "request"
      ? runRequest(modules, stream, pieces)
      : runResponse(modules, stream, pieces);
  return problemOf(stream, outcome);
}

for (const mistake of mistakes) {
  test(`the corpus finds: ${mistake.what}`, async () => {
    const modules = await importGateway([mistake]);
    const isFound =
      streams.some((stream) => problemIn(modules, stream, false) !== undefined) ||
      streams.some((stream) => problemIn(modules, stream, true) !== undefined);
    assert.ok(isFound, "every stream comes out as it should");
  });
}

test("the engine itself has none of them", async () => {
  const modules = await importGateway();
  for (const stream of streams) assert.equal(problemIn(modules, stream, false), undefined);
  assert.ok(mistakes.length >= 20);
});

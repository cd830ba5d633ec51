/** An engine with a mistake in it does not get past the corpus. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { corpus } from "./corpus.ts";
import { problemOf } from "./judge-outcome.ts";
import { type GatewayModules, importGateway, runRequest, runResponse } from "./memory-gateway.ts";
import { mistakes } from "./mistakes.ts";
import type { StreamCase } from "./stream-case.ts";

const textOf = (stream: StreamCase) => (stream.kind === "request" ? stream.sent : stream.answered);
/** The classes that are about a file, so that most mistakes in it are found at once. */
const nearest: Readonly<Record<string, readonly string[]>> = {
  "parse-request-head": ["lengths", "hosts", "transfer codings", "both framings", "targets"],
  "canonical-host": ["hosts"],
  "chunked-decoder": ["chunk sizes", "chunk extensions"],
  "parse-trailers": ["trailers"],
  "parse-fields": ["folds", "transfer codings", "trailers"],
  "byte-class": ["control characters", "targets"],
  "http1-connection": ["line ends", "leftovers", "upgrades"],
  "parse-response-head": ["response framing", "response fields"],
  "upstream-connection": [
    "early responses",
    "response framing",
    "responses without body",
    "informational responses",
  ],
};

function streamsFor(file: string): StreamCase[] {
  const name = /([\w-]+)\.ts$/.exec(file)?.[1] ?? "";
  const first = nearest[name] ?? [];
  const others = Object.keys(corpus).filter((one) => !first.includes(one));
  return [...first, ...others].flatMap((one) => corpus[one] ?? []);
}

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
    const streams = streamsFor(mistake.file);
    const isFound =
      streams.some((stream) => problemIn(modules, stream, false) !== undefined) ||
      streams.some((stream) => problemIn(modules, stream, true) !== undefined);
    assert.ok(isFound, "every stream comes out as it should");
  });
}

test("the engine itself has none of them", async () => {
  const modules = await importGateway();
  for (const stream of streamsFor("")) assert.equal(problemIn(modules, stream, false), undefined);
  assert.ok(mistakes.length >= 20);
});

/** Every stream of the corpus, whole, byte by byte and cut in two at every byte: always the same comes out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../support/seeded-random.ts";
import { corpus } from "./corpus.ts";
import { problemOf } from "./judge-outcome.ts";
import { type GatewayModules, importGateway, runRequest, runResponse } from "./memory-gateway.ts";
import { lastGet, type StreamCase } from "./stream-case.ts";

/** Longer streams, which are of the classes on sizes, are cut at random places only. */
const maxCutBytes = 600;
const randomCuts = 6;

const modules = await importGateway();
const random = new SeededRandom(20_261_124);

function run(gateway: GatewayModules, stream: StreamCase, pieces: readonly string[]) {
  return stream.kind === "request"
    ? runRequest(gateway, stream, pieces)
    : runResponse(gateway, stream, pieces);
}

/** The plain request that most streams end with is cut once for all, where it is the one that counts. */
function cutPlaces(text: string, isEndCut: boolean): number[] {
  const isPlainEnd = !isEndCut && text.endsWith(lastGet);
  const length = isPlainEnd ? text.length - lastGet.length + 5 : text.length;
  if (length <= maxCutBytes) {
    return Array.from({ length: Math.max(0, length - 1) }, (_, at) => at + 1);
  }
  return Array.from({ length: randomCuts }, () => 1 + random.below(length - 1));
}

for (const [name, streams] of Object.entries(corpus)) {
  test(`${name}: the same in any pieces`, () => {
    for (const stream of streams) {
      const text = stream.kind === "request" ? stream.sent : stream.answered;
      const all = text.length <= maxCutBytes ? [[...text]] : [];
      for (const at of cutPlaces(text, name === "leftovers"))
        all.push([text.slice(0, at), text.slice(at)]);
      for (const pieces of [[text], ...all]) {
        const problem = problemOf(stream, run(modules, stream, pieces));
        const cut = pieces.length === 2 ? `cut at ${pieces[0]?.length}` : `${pieces.length} pieces`;
        assert.equal(problem, undefined, `${stream.what}, ${cut}: ${problem}`);
      }
    }
  });
}

test("there are enough streams", () => {
  const counts = Object.values(corpus).map(({ length }) => length);
  assert.ok(Math.min(...counts) >= 15, `${counts}`);
  assert.ok(counts.reduce((sum, count) => sum + count, 0) >= 300);
  for (const [name, streams] of Object.entries(corpus)) {
    assert.equal(new Set(streams.map(({ what }) => what)).size, streams.length, name);
  }
});

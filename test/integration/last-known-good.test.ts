/** Last-known-good on a real disk, its process killed with SIGKILL while it writes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { digestsUpTo, KeptNode } from "../support/kept-history.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const kills = Number(process.env["SWITCHYARD_TEST_KILLS"] ?? 4);
const generations = 500;
const writer = join(import.meta.dirname, "../support/last-known-good-writer.ts");

/** Lets the writer keep `count` generations and a random while more, then kills it; resolves to the last it told of. */
async function writeUntilKilled(directory: string, count: number, extraMs: number) {
  const child = spawn(process.execPath, [writer, directory, String(generations)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const seen = { booted: -1, kept: -1 };
  let timer: NodeJS.Timeout | undefined;
  let lines = 0;
  for await (const line of createInterface(child.stdout)) {
    const [what, number = ""] = line.split(" ");
    if (what === "booted") seen.booted = Number(number);
    else seen.kept = Number(number);
    lines += 1;
    if (lines > count) timer ??= setTimeout(() => child.kill("SIGKILL"), extraMs);
  }
  clearTimeout(timer);
  if (child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return seen;
}

test(`last-known-good survives ${kills} kills with SIGKILL at random moments of writing`, async (t) => {
  const seed = Number(process.env["SWITCHYARD_TEST_SEED"] ?? Date.now() % 100_000);
  t.diagnostic(`seed ${seed}`);
  const random = new SeededRandom(seed);
  const digests = digestsUpTo(generations);
  const directory = await mkdtemp(join(tmpdir(), "last-known-good-"));
  try {
    let kept = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const seen = await writeUntilKilled(directory, random.below(10), random.next() * 15);
      assert.ok(seen.booted >= kept, `booted with ${seen.booted}, ${kept} had been kept`);
      kept = Math.max(kept, seen.kept);
      const node = new KeptNode({ directory }, digests);
      const number = await node.boot();
      assert.ok(number >= kept && number <= kept + 1, `${kept} had been kept, ${number} came back`);
      assert.equal(node.digest, digests[number]);
      kept = number;
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

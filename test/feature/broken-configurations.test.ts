/**
 * Every mistake of the corpus through the real decoders, watcher and compiler: the exact sentence with its place, and
 * the good objects beside it compiled as if the mistake were not there.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type CorpusCase,
  framed,
  readCorpus,
  readDocuments,
  readKeys,
  readStatic,
} from "../support/broken-configurations.ts";

type Outcome = ReturnType<typeof readKeys>;

const maxSentenceCharacters = 600;

function assertBounded(says: string): void {
  for (const line of says.split("\n")) {
    assert.ok(line.length <= maxSentenceCharacters, `${line.length} characters`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f]/, "raw control character");
  }
  assert.doesNotMatch(says, /hunter2/, "a secret is shown");
  assert.doesNotMatch(says, /\.ts:\d|^ +at /m, "a stack trace is shown");
}

function assertOutcome({ says }: CorpusCase, outcome: Outcome, good: Outcome): void {
  assert.equal(outcome.says, says.trimEnd());
  assertBounded(outcome.says);
  for (const [id, payload] of good.resources) assert.equal(outcome.resources.get(id), payload, id);
}

for (const [file, path] of [
  ["yaml-files.yml", "routes.yml"],
  ["toml-files.yml", "routes.toml"],
] as const) {
  describe(file, () => {
    const { frames = {}, cases } = readCorpus(file);
    for (const broken of cases) {
      test(broken.name, () => {
        const frame = frames[broken.frame ?? ""];
        assert.ok(frame !== undefined, `frame ${broken.frame}`);
        const good = readDocuments(path, frame.replace(/^ *\$bad\n/m, ""));
        assert.equal(good.says, "");
        assert.ok(good.resources.size > 1);
        const text = framed(frame, broken.input ?? "");
        // What cannot be read at all leaves what was read before.
        const unreadable = / syntax/.test(broken.says);
        const before = unreadable ? [frame.replace(/^ *\$bad\n/m, "")] : [];
        assertOutcome(broken, readDocuments(path, ...before, text), good);
      });
    }
  });
}

const goodKeys = {
  "http/routers/good/rule": "Host(`good.test`)",
  "http/routers/good/service": "good",
  "http/services/good/loadbalancer/servers/0/url": "http://10.0.0.1",
  "tcp/services/good/loadbalancer/servers/0/address": "10.0.0.1:5432",
};

describe("etcd-keys.yml", () => {
  for (const broken of readCorpus("etcd-keys.yml").cases) {
    test(broken.name, () => {
      assertOutcome(broken, readKeys({ ...goodKeys, ...broken.keys }), readKeys(goodKeys));
    });
  }
});

describe("rules.yml", () => {
  for (const broken of readCorpus("rules.yml").cases) {
    test(broken.name, () => {
      const router = `${broken.protocol ?? "http"}/routers/bad`;
      const keys = { [`${router}/rule`]: broken.rule ?? "", [`${router}/service`]: "good" };
      assertOutcome(broken, readKeys({ ...goodKeys, ...keys }), readKeys(goodKeys));
    });
  }
});

describe("static.yml", () => {
  for (const broken of readCorpus("static.yml").cases) {
    test(broken.name, () => {
      const { says, exit } = readStatic(broken);
      assert.equal(says, broken.says.trimEnd());
      assert.equal(exit, broken.exit);
      assertBounded(says);
    });
  }
});

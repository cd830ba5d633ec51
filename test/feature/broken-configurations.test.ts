/**
 * Every mistake of the corpus through the real decoders, watcher and compiler: the exact sentence with its place, and
 * the good objects beside it compiled as if the mistake were not there.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { formatPosition } from "../../config-model/dynamic/diagnostic.ts";
import type { FileProviderConfig } from "../../config-model/static/static-configuration.ts";
import { FileReader } from "../../control-plane/provider/file-provider-reader.ts";
import {
  type CorpusCase,
  framed,
  readCorpus,
  readDocuments,
  readKeys,
  readStatic,
} from "../support/broken-configurations.ts";
import { runProgram } from "../support/program.ts";

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

describe("files of a file provider", () => {
  const read = (config: Partial<FileProviderConfig>) => {
    const whole = { filename: undefined, directory: undefined, watch: false, ...config };
    const reader = new FileReader({ config: whole, nowMs: () => 0, missingGraceMs: 0 });
    return reader.read().problems.map(({ message, source }) => [message, source.location]);
  };
  const missing = join(tmpdir(), "switchyard-no-such-place");

  test("a file and a directory that are missing are named", () => {
    const file = join(missing, "routes.yml");
    const sentence = (path: string) => [
      [`Cannot read ${path}: there is no such file or folder`, path],
    ];
    assert.deepEqual(read({ filename: file }), sentence(file));
    assert.deepEqual(read({ directory: missing }), sentence(missing));
  });

  test("a broken file of a directory leaves the one beside it", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "switchyard-corpus-"));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const { root = "" } = readCorpus("yaml-files.yml").frames ?? {};
    const good = root.replace("$bad\n", "");
    await writeFile(join(directory, "a.yml"), good);
    await writeFile(join(directory, "b.yml"), "http: {");
    await writeFile(join(directory, "c.toml"), "x");
    const config = { filename: undefined, directory, watch: false };
    const reader = new FileReader({ config, nowMs: () => 0, missingGraceMs: 0 });
    const { changes, problems } = reader.read();
    assert.deepEqual(
      changes.map(({ key, object }) => [key.name, object?.problems.length]),
      [
        ["good", 0],
        ["good", 0],
      ],
    );
    assert.deepEqual(
      problems.map(({ source }) => formatPosition(source).slice(directory.length + 1)),
      ["b.yml:1:8", "c.toml:1:1"],
    );
  });
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

describe("the program", () => {
  const { cases } = readCorpus("static.yml");
  for (const name of [
    "malformed YAML",
    "several mistakes at once",
    "an etcd endpoint with password",
    "a file that is not there",
    "flags: a password with a space",
    "environment: a bad address",
  ]) {
    test(`ends with exit code 2: ${name}`, async (t) => {
      const broken = cases.find((candidate) => candidate.name === name);
      assert.ok(broken !== undefined);
      const { file, input, flags = [], env = {}, says } = broken;
      const cwd = await mkdtemp(join(tmpdir(), "switchyard-corpus-"));
      t.after(() => rm(cwd, { recursive: true, force: true }));
      if (file !== undefined && input !== undefined) await writeFile(join(cwd, file), input);
      const configFile = file === undefined ? [] : [`--configFile=${file}`];
      const args = ["control-plane", ...configFile, ...flags];
      const { code, stdout, stderr } = await runProgram(args, { cwd, env });
      assert.deepEqual([code, stdout, stderr], [2, "", `switchyard: ${says}`]);
    });
  }
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { decodeDocument } from "../../config-model/dynamic/decode-document.ts";
import { locateKvKey } from "../../config-model/dynamic/kv/locate-kv-key.ts";
import { parseRule } from "../../config-model/rule/parse-rule.ts";
import { loadStaticConfiguration } from "../../config-model/static/load-static-configuration.ts";

const root = join(import.meta.dirname, "../..");
const text = readFileSync(join(root, "docs/configuration.md"), "utf8");

/** The code block that begins with this line. */
function block(firstLine: string): string {
  const [, body] = text.split(`\`\`\`yaml\n${firstLine}\n`);
  assert.ok(body !== undefined, firstLine);
  return body.slice(0, body.indexOf("```"));
}

function staticFrom(path: string, content: string) {
  return loadStaticConfiguration({
    flags: [`--configFile=${path}`],
    env: {},
    readFile: () => content,
    resolvePath: (file) => join(root, file),
  });
}

function problemsOf(path: string, content: string): readonly string[] {
  const { objects, problems } = decodeDocument(content, path);
  assert.ok(objects.size > 0);
  const own = [...objects.values()].flatMap(({ object }) => [
    ...object.problems.map(({ message }) => message),
    ...(object.config?.unbuilt ?? []).map((unbuilt) => unbuilt.path),
  ]);
  return [...own, ...problems.map(({ message }) => message)];
}

describe("docs/configuration.md", () => {
  test("shows a static file without mistakes, and all of it built", () => {
    assert.deepEqual(staticFrom("switchyard.yml", block("# switchyard.yml")).warnings, []);
  });

  test("shows routes without mistakes, and all of them built", () => {
    assert.deepEqual(problemsOf("routes.yml", block("# routes.yml")), []);
    assert.deepEqual(problemsOf("secure-routes.yml", block("# secure-routes.yml")), []);
  });

  test("shows etcd keys that are known", () => {
    const keys = text.match(/^traefik\/\S+/gm) ?? [];
    assert.ok(keys.length > 3);
    for (const key of keys) assert.ok(locateKvKey(key.slice("traefik/".length)) !== undefined, key);
  });

  test("shows rules that parse", () => {
    const rules = [...text.matchAll(/``([A-Z]\w+\(.*?\))``/g)].map(([, rule = ""]) => rule);
    assert.ok(rules.length > 10);
    for (const rule of rules) {
      const parsed = parseRule(rule, /^(HostSNI|ALPN)/.test(rule) ? "tcp" : "http");
      assert.ok(parsed.ok, rule);
    }
  });
});

describe("examples/quickstart", () => {
  const read = (name: string) => readFileSync(join(root, "examples/quickstart", name), "utf8");

  test("switchyard.yml is valid and names routes.yml", () => {
    const { configuration, warnings } = staticFrom("switchyard.yml", read("switchyard.yml"));
    assert.deepEqual(warnings, []);
    const routes = join(root, "examples/quickstart/routes.yml");
    assert.equal(configuration.providers.file?.filename, routes);
  });

  test("routes.yml is valid", () => {
    assert.deepEqual(problemsOf("routes.yml", read("routes.yml")), []);
  });
});

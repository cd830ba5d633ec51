import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { load } from "js-yaml";
import { renderTemplate } from "../../config-model/template/render-template.ts";
import { misfits } from "../support/check-json-schema.ts";
import { dynamicJsonSchema, type JsonSchema, staticJsonSchema } from "../support/json-schema.ts";

const root = new URL("../../", import.meta.url);

const schemas: Readonly<Record<string, JsonSchema>> = {
  static: staticJsonSchema(),
  dynamic: dynamicJsonSchema(),
};

describe("docs/schema", () => {
  for (const [name, schema] of Object.entries(schemas)) {
    test(`${name}.schema.json says what the schema table says`, () => {
      const path = new URL(`docs/schema/${name}.schema.json`, root);
      const text = `${JSON.stringify(schema, undefined, 1)}\n`;
      if (process.env["UPDATE_DOCS"] === "1") writeFileSync(path, text);
      assert.equal(readFileSync(path, "utf8"), text, "run with UPDATE_DOCS=1 to write it anew");
    });

    for (const file of globSync("examples/quickstart/*.yml", { cwd: root })) {
      test(`${file} fits ${name}.schema.json`, () => {
        const value = load(readFileSync(new URL(file, root), "utf8"));
        assert.deepEqual(misfits(schema, value), []);
      });
    }
  }

  test("the blocks of docs/configuration.md fit", () => {
    const text = readFileSync(new URL("docs/configuration.md", root), "utf8");
    const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
    assert.ok(blocks.length >= 2);
    for (const template of blocks) {
      const block = renderTemplate(template, { env: () => "one,two" }).text;
      for (const schema of Object.values(schemas))
        assert.deepEqual(misfits(schema, load(block)), []);
    }
  });

  test("mistakes do not fit", () => {
    const misspelt = { http: { routers: { a: { rul: "x" } }, routes: {} }, tls: 1, foo: {} };
    assert.deepEqual(misfits(dynamicJsonSchema(), misspelt), [
      "$.http.routers.a.rul is unknown",
      "$.http.routes is unknown",
      "$.tls is integer",
      "$.foo is unknown",
    ]);
    const wrong = {
      entryPoints: { web: { address: ":80", http: { underscoreHeadersStrategy: "x" } } },
      providers: { file: { watch: [] } },
    };
    assert.deepEqual(misfits(staticJsonSchema(), wrong), [
      "$.entryPoints.web.http.underscoreHeadersStrategy is not one of keep, delete, reject",
      "$.providers.file.watch is array",
    ]);
  });

  test("says which keys are not built", () => {
    const described = JSON.stringify(dynamicJsonSchema().properties?.["http"]);
    assert.match(
      described,
      /"digestAuth":\{"description":"Not built: what uses it is not served\."/,
    );
    assert.match(described, /"sticky":\{"description":"Not built: served without it\."/);
  });
});

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { decodeKvObject } from "../../config-model/dynamic/kv/decode-kv-object.ts";
import { locateKvKey } from "../../config-model/dynamic/kv/locate-kv-key.ts";
import {
  compatibilityDocument,
  dynamicKeys,
  staticKeys,
} from "../support/compatibility-document.ts";
import type { KeyRow } from "../support/schema-keys.ts";

const path = new URL("../../docs/compatibility.md", import.meta.url);

/** A value of the row's type that is not its default and not one of those that work all the same. */
function unusualValue({ type, defaultValue, builtValues }: KeyRow): string {
  if (type.includes("|")) {
    const others = type.split("\\|").filter((value) => !builtValues.includes(value));
    return others.at(-1) ?? "";
  }
  if (type === "bool") return defaultValue === "true" ? "false" : "true";
  if (type === "section") return "true";
  if (type === "string" || type === "list of string" || type === "anything") return "x";
  return "77";
}

describe("docs/compatibility.md", () => {
  test("says what the schema table says", () => {
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(path, compatibilityDocument());
    assert.equal(
      readFileSync(path, "utf8"),
      compatibilityDocument(),
      "run with UPDATE_DOCS=1 to write it anew",
    );
  });

  test("has every dynamic key of Traefik v3.7", () => {
    assert.equal(dynamicKeys().length, 341);
    for (const rows of [dynamicKeys(), staticKeys()]) {
      assert.equal(new Set(rows.map((row) => row.path.toLowerCase())).size, rows.length);
    }
  });

  for (const row of dynamicKeys()) {
    test(`${row.path} is ${row.status}, and the decoder agrees`, () => {
      const relative = row.path
        .replaceAll("<name>", "n")
        .replaceAll("[]", ".0")
        .replaceAll(".", "/");
      const location = locateKvKey(relative);
      assert.ok(location !== undefined);
      const pairs = [{ key: relative, rest: location.rest, value: unusualValue(row) }];
      const { config, problems } = decodeKvObject(location.key, pairs, "k");
      // A type that lacks what it requires is incomplete, not unknown.
      const unknown = problems.filter(
        ({ message }) => !/ has no type$|needs a prefix$/.test(message),
      );
      assert.deepEqual(unknown, []);
      if (config === undefined) return;
      const effects = new Set(config.unbuilt.map(({ effect }) => effect));
      const expected = row.status === "closed" || row.status === "degraded" ? [row.status] : [];
      assert.deepEqual([...effects], expected);
    });
  }
});

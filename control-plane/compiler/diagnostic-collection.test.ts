import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { DiagnosticCollection } from "./diagnostic-collection.ts";

const key: ObjectKey = { kind: "httpRouter", name: "r@file" };

function diagnostic(message: string, fields: Partial<Diagnostic> = {}): Diagnostic {
  const source = { provider: "file", location: "routes.yml", line: 3, column: 7 };
  return { object: key, severity: "error", code: "invalid-value", message, source, ...fields };
}

function collecting() {
  const log = new RecordingLog();
  const collection = new DiagnosticCollection({ log });
  const report = (...diagnostics: readonly Diagnostic[]) =>
    collection.reportObjects([{ key, diagnostics }]);
  const lines = () => log.lines.splice(0).map(({ level, message }) => `${level} ${message}`);
  return { collection, report, lines, log };
}

describe("DiagnosticCollection", () => {
  test("logs a diagnostic once, with its place, and once when it is mended", () => {
    const { collection, report, lines } = collecting();
    report(diagnostic("weight is no number"), diagnostic("old key", { severity: "warning" }));
    assert.deepEqual(lines(), [
      "error routes.yml:3:7: weight is no number",
      "warn routes.yml:3:7: old key",
    ]);
    assert.deepEqual(collection.counts, { errors: 1, warnings: 1 });
    const moved = { source: { provider: "file", location: "routes.yml", line: 9, column: 7 } };
    report(diagnostic("weight is no number", moved));
    assert.deepEqual(lines(), ["info resolved: routes.yml:3:7: old key"]);
    assert.deepEqual([...collection.all()], [diagnostic("weight is no number", moved)]);
    report();
    assert.deepEqual(lines(), ["info resolved: routes.yml:9:7: weight is no number"]);
    assert.deepEqual([[...collection.all()], collection.counts], [[], { errors: 0, warnings: 0 }]);
  });

  test("replaces the problems of a source as a whole", () => {
    const { collection, lines } = collecting();
    collection.reportSource("file", [diagnostic("first")]);
    collection.reportSource("file", [diagnostic("second")]);
    collection.reportSource("etcd", [diagnostic("third")]);
    assert.deepEqual(
      [...collection.all()].map(({ message }) => message),
      ["second", "third"],
    );
    assert.equal(lines().length, 4);
  });

  test("writes a bounded number of lines however much breaks at once", () => {
    const { collection, lines } = collecting();
    collection.reportObjects(
      Array.from({ length: 5_000 }, (_, index) => ({
        key: { kind: "httpRouter", name: `r${index}@file` },
        diagnostics: [diagnostic(`broken ${index}`)],
      })),
    );
    const written = lines();
    assert.equal(written.length, 101);
    assert.match(written[100]!, /GET \/api\/fleet\/diagnostics has all/);
    assert.equal(collection.counts.errors, 5_000);
  });

  test("does not let a name forge a line", () => {
    const { report, lines } = collecting();
    report(diagnostic('router "a\n2026 INFO all is well" is unknown'));
    assert.deepEqual(lines(), [
      'error routes.yml:3:7: router "a\\u000a2026 INFO all is well" is unknown',
    ]);
  });
});

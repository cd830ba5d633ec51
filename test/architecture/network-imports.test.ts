/**
 * `node:http` and undici serve the admin endpoints and nothing else: traffic has an engine of its own, whose cost is
 * what the project is measured by.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const sources = "{foundation,config-model,control-plane,data-plane,cli}/**/*.ts";

const servers = new Set(["http", "https", "node:http", "node:https", "undici"]);

/** Part of the admin endpoints, or of no program at all. */
function isExempt(file: string): boolean {
  return (
    /^foundation\/admin\//.test(file) ||
    // They ask an admin endpoint, from a process of their own.
    file === "cli/healthcheck.ts" ||
    file === "cli/fleet.ts" ||
    // Reads a page of etcd's that tells what no call does.
    file === "control-plane/etcd/etcd-quota.ts" ||
    file.endsWith(".test.ts")
  );
}

function importsOf(source: string): string[] {
  const imports = source.matchAll(
    /(?:\bfrom\s+|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"'\\\n]+)["']/g,
  );
  return [...imports].map(([, specifier = ""]) => specifier);
}

function forbiddenImports(file: string, source: string): string[] {
  if (isExempt(file)) return [];
  return importsOf(source)
    .filter((specifier) => servers.has(specifier))
    .map((specifier) => `${file} imports ${specifier}`);
}

/** Everything a program loads, directly or through other files, that is not a file of ours. */
function outsideOf(entry: string): Set<string> {
  const files = new Set([entry]);
  const outside = new Set<string>();
  for (const file of files) {
    for (const specifier of importsOf(readFileSync(join(root, file), "utf8"))) {
      if (specifier.startsWith(".")) files.add(join(dirname(file), specifier));
      else outside.add(specifier);
    }
  }
  assert.ok(files.size > 10, "the scan must follow imports");
  return outside;
}

test("node:http and undici are imported by admin endpoints only", () => {
  const files = globSync(sources, { cwd: root });
  assert.ok(files.length > 50, "the scan must see the source files");
  assert.deepEqual(
    files.flatMap((file) => forbiddenImports(file, readFileSync(join(root, file), "utf8"))),
    [],
  );
});

test("an import of node:http on the way of traffic is found, in every form", () => {
  for (const source of [
    'import { request } from "node:http";',
    'import type { Server } from "node:https";',
    'const { request } = await import("undici");',
    'import "http";',
  ]) {
    assert.equal(forbiddenImports("data-plane/http/proxy.ts", source).length, 1, source);
    assert.deepEqual(forbiddenImports("foundation/admin/admin-server.ts", source), []);
  }
});

test("a traffic worker loads nothing but Node's own modules, the wire format's and what computes hashes and patterns", () => {
  const outside = outsideOf("data-plane/worker/traffic-worker.ts");
  const packages = [...outside].filter((specifier) => !specifier.startsWith("node:"));
  // bcrypt is loaded with the first hash of that form.
  assert.deepEqual(new Set(packages), new Set(["@bufbuild/protobuf/wire", "bcrypt", "re2js"]));
  for (const server of servers) assert.equal(outside.has(server), false, server);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { eventually } from "../../test/support/program.ts";
import type { FieldPath } from "../schema/locate-field.ts";
import { decodeDocument } from "./decode-document.ts";
import { decodeDynamicFile } from "./decode-dynamic-file.ts";
import { formatPosition } from "./diagnostic.ts";
import { FileFields } from "./file-fields.ts";
import type { ObjectKey } from "./object-key.ts";

const router: ObjectKey = { kind: "httpRouter", name: "r" };
const service: ObjectKey = { kind: "httpService", name: "s" };

function shown(fields: FileFields, key: ObjectKey, ...path: FieldPath): string | undefined {
  const position = fields.positionOf(key, path);
  return position && formatPosition(position);
}

const yaml = `http:
  routers:
    r:
      Rule: Host(\`a\`)
      middlewares: a,b
      tls:
        options: o
  services:
    s:
      loadBalancer:
        servers:
          - url: http://a
          - { weight: 1, url: http://b }
---
http: { routers: { r: { priority: 1 }, q: { priority: 2 } } }
`;

test("FileFields finds a field's value, its key, or the nearest key above it", () => {
  const fields = new FileFields();
  decodeDocument(yaml, "f.yml", fields);
  assert.deepEqual(
    [
      shown(fields, router, "rule"),
      shown(fields, router, "middlewares"),
      shown(fields, router, "middlewares", 1),
      shown(fields, router, "tls"),
      shown(fields, router, "tls", "certResolver"),
      shown(fields, router, "priority"),
      shown(fields, { kind: "httpRouter", name: "q" }, "priority"),
      shown(fields, service, "loadBalancer", "servers", 1, "url"),
      shown(fields, service, "loadBalancer", "servers", 0),
      shown(fields, service, "loadBalancer", "servers", 2, "url"),
      shown(fields, { kind: "tcpRouter", name: "r" }, "rule"),
      shown(fields, { kind: "httpRouter", name: "R" }, "rule"),
    ],
    [
      "f.yml:4:13",
      "f.yml:5:20",
      "f.yml:5:20",
      "f.yml:6:7",
      "f.yml:6:7",
      undefined,
      "f.yml:15:55",
      "f.yml:13:31",
      "f.yml:12:13",
      "f.yml:11:9",
      undefined,
      undefined,
    ],
  );
});

test("FileFields finds fields of objects without names by their numbers through all documents", () => {
  const fields = new FileFields();
  const text = `tls:
  certificates:
    - { certFile: a, keyFile: b }
    - certFile: c
---
tls: { certificates: [{ certFile: d }] }
`;
  decodeDocument(text, "f.yml", fields);
  const certificate = (name: string): ObjectKey => ({ kind: "tlsCertificate", name });
  assert.deepEqual(
    [
      shown(fields, certificate("0"), "keyFile"),
      shown(fields, certificate("1"), "certFile"),
      shown(fields, certificate("2"), "certFile"),
      shown(fields, certificate("3"), "certFile"),
    ],
    ["f.yml:3:31", "f.yml:4:17", "f.yml:6:35", undefined],
  );
});

test("FileFields answers from the newest readable text, which the objects of earlier ones share", () => {
  const fields = new FileFields();
  const before = decodeDocument("[http.routers.r]\nrule = 'a'\n", "f.toml", fields);
  const object = before.objects.get("httpRouter:r")?.object;
  assert.equal(object?.fields, fields);
  assert.equal(shown(fields, router, "rule"), "f.toml:2:1");
  decodeDocument("# new\n[http.routers.r]\n\n rule = 'a'\n", "f.toml", fields);
  assert.equal(shown(fields, router, "rule"), "f.toml:4:2");
  decodeDocument("[http", "f.toml", fields);
  assert.equal(shown(fields, router, "rule"), "f.toml:4:2");
});

test("FileFields keeps no trees, and reads its text again when they are gone", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const fields = new FileFields();
  decodeDocument(yaml, "f.yml", fields);
  let readings = 0;
  const again = () => {
    readings++;
    return { roots: [], locate: () => assert.fail("there is nothing to find") };
  };
  fields.replace(again(), again);
  shown(fields, router, "rule");
  assert.equal(readings, 1, "what was just read is still there");
  await eventually(async () => {
    collectGarbage();
    assert.equal(shown(fields, router, "rule"), undefined);
    assert.equal(readings, 2);
  });
});

test("FileFields places fields of a template in the template", () => {
  const fields = new FileFields();
  const text = `http:
  routers:
{{- range $name := (list "q" "r") }}
    {{ $name }}:
      rule: Host(\`{{ $name }}\`)
{{- end }}
`;
  decodeDynamicFile({ path: "f.yml", text, env: () => undefined, fields });
  assert.equal(shown(fields, router, "rule"), "f.yml:5:13");
});

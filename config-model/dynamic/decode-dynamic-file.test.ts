import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDynamicFile } from "./decode-dynamic-file.ts";

const env = (name: string) => (name === "SECRET" ? "hunter2 x" : undefined);

function decode(text: string) {
  return decodeDynamicFile({ path: "f.yml", text, env });
}

test("decodeDynamicFile() makes routers of a range", () => {
  const text = `http:
  routers:
{{- range $i, $name := split "a,b" "," }}
    {{ $name }}:
      rule: Host(\`{{ $name }}.example\`)
      service: s
      priority: {{ add $i 1 }}
{{- end }}
`;
  const { objects, complete } = decode(text);
  assert.ok(complete);
  assert.deepEqual(
    [...objects.values()].map(({ key }) => key.name),
    ["a", "b"],
  );
  const config = objects.get("httpRouter:b")?.object.config;
  assert.ok(config?.kind === "httpRouter");
  assert.equal(config.rule, "Host(`b.example`)");
  assert.equal(objects.get("httpRouter:b")?.object.source.line, 4);
});

test("decodeDynamicFile() names line, column and the nearest function", () => {
  const { problems, complete } = decode("http:\n  routers: {{ splt }}\n");
  assert.equal(complete, false);
  assert.deepEqual(problems, [
    {
      severity: "error",
      code: "syntax",
      message: 'Cannot read f.yml as a template: Unknown function "splt"',
      source: { provider: "file", location: "f.yml", line: 2, column: 15 },
      hint: 'did you mean "split"?',
    },
  ]);
});

test("decodeDynamicFile() places mistakes of what it made in the template", () => {
  const { problems } = decode("{{ range 3 }}\n{{ end }}http:\n  routes: {}\n");
  assert.equal(problems[0]?.source.line, 3);
  assert.equal(problems[0]?.source.column, 3);
  assert.match(problems[0]?.message ?? "", /Unknown key "routes"/);
});

test("decodeDynamicFile() never shows the environment's values", () => {
  for (const value of ['env "SECRET"', 'env "SECRET" | b64enc', 'env "SECRET" | upper']) {
    const decoded = decode(
      `{{ $v := ${value} }}http:\n  "{{ $v }}": {}\n  routers:\n    a: {rule: x, service: s, priority: "{{ $v }}", "{{ $v }}": 1}\n`,
    );
    const told = JSON.stringify([
      decoded.problems,
      [...decoded.objects.values()].map(({ object }) => object.problems),
    ]);
    assert.match(told, /\*\*\*/);
    assert.doesNotMatch(told, /hunter2|HUNTER2|aHVudGVy/);
  }
});

test("decodeDynamicFile() leaves what is no template alone", () => {
  const { objects } = decode("http: {routers: {a: {rule: 'Path(`/}}`)', service: s}}}");
  assert.equal(objects.size, 1);
});

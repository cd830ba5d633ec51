/** Shapes that are quadratic, or worse, in parsers that are not careful. */
import { decodeDocument } from "../../config-model/dynamic/decode-document.ts";
import { decodeDynamicFile } from "../../config-model/dynamic/decode-dynamic-file.ts";
import { parseRule } from "../../config-model/rule/parse-rule.ts";
import { loadStaticConfiguration } from "../../config-model/static/load-static-configuration.ts";
import { StaticConfigurationError } from "../../config-model/static/static-configuration-error.ts";
import { renderTemplate } from "../../config-model/template/render-template.ts";
import { TemplateError } from "../../config-model/template/template-error.ts";
import { EtcdObjects } from "../../control-plane/provider/etcd-objects.ts";
import { OpeningReader } from "../../data-plane/tls/connection-opening.ts";
import { messageThrown } from "./fuzz-target.ts";
import type { GrowthShape } from "./growth.ts";
import { httpGrowthShapes } from "./http-growth-shapes.ts";

type Shapes = Readonly<Record<string, (count: number) => string>>;

function shapes(
  area: string,
  run: (input: string) => unknown,
  builders: Shapes,
): readonly GrowthShape[] {
  return Object.entries(builders).map(([name, build]) => ({
    name: `${area}: ${name}`,
    build,
    run,
  }));
}

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join("\n");
}

const ruleShapes = shapes("rule", (input) => parseRule(input, "http"), {
  alternatives: (n) => `${"Host(`a`) || ".repeat(n)}Host(\`b\`)`,
  "alternatives of conjunctions": (n) => `${"Host(`a`) && Path(`/`) || ".repeat(n)}Host(\`b\`)`,
  "open parentheses": (n) => "(".repeat(n),
  "balanced parentheses": (n) => `${"(".repeat(n)}Path(\`/\`)${")".repeat(n)}`,
  negations: (n) => `${"!".repeat(n)}Path(\`/\`)`,
  "deep chains": (n) => `${"Path(`/`) && (".repeat(n)}`,
  "a long argument": (n) => `Path(\`/${"x".repeat(n)}\`)`,
  "a long expression": (n) => `PathRegexp(\`${"(a|b)*".repeat(n)}\`)`,
  backticks: (n) => "`".repeat(n),
  quotes: (n) => '"'.repeat(n),
  escapes: (n) => `Path("/${"\\x41\\n".repeat(n)}")`,
  backslashes: (n) => `Path("${"\\".repeat(n)}`,
  "a string that does not end": (n) => `Path("/${"x".repeat(n)}`,
  "a long name": (n) => "H".repeat(n),
  spaces: (n) => `Path(\`/\`)${" ".repeat(n)}`,
  "line breaks": (n) => `Path(\`/\`)${"\n".repeat(n)}x`,
  arguments: (n) => `Path(${"`/`, ".repeat(n)}\`/\`)`,
  commas: (n) => `Path(\`/\`${",".repeat(n)})`,
});

const yamlShapes = shapes("YAML", (input) => decodeDocument(input, "r.yml"), {
  routers: (n) =>
    `http:\n  routers:\n${lines(n, (i) => `    r${i}: {rule: "Host(\`h${i}\`)", service: s}`)}`,
  "names of one prefix": (n) =>
    `http:\n  routers:\n${lines(n, (i) => `    ${"a".repeat(50)}${i}: {rule: x, service: s}`)}`,
  "names given twice": (n) =>
    `http:\n  routers:\n${lines(n, () => "    r: {rule: x, service: s}")}`,
  "unknown keys of an object": (n) =>
    `http:\n  routers:\n    r:\n${lines(n, (i) => `      key${i}: x`)}`,
  "unknown keys of the file": (n) => lines(n, (i) => `key${i}: x`),
  "broken objects": (n) => `http:\n  routers:\n${lines(n, (i) => `    r${i}: [1]`)}`,
  "a long list": (n) =>
    `http:\n  routers:\n    r:\n      rule: x\n      middlewares: [${"a, ".repeat(n)}a]`,
  "a long text": (n) => `http: {routers: {r: {rule: "${"x".repeat(n)}"}}}`,
  "a folded text": (n) => `http:\n  routers:\n    r:\n      rule: >\n${"        x y\n".repeat(n)}`,
  escapes: (n) => `http: {routers: {r: {rule: "${"\\x41".repeat(n)}"}}}`,
  "open brackets": (n) => "[".repeat(n),
  "balanced brackets": (n) => `http: ${"[".repeat(n)}${"]".repeat(n)}`,
  "nested sequences": (n) => "- ".repeat(n),
  "nested mappings": (n) => "{a: ".repeat(n),
  "explicit keys": (n) => "? ".repeat(n),
  anchors: (n) => lines(n, (i) => `k${i}: &a${i} x`),
  "aliases of a list": (n) => `a: &a [${"x, ".repeat(100)}x]\n${lines(n, (i) => `k${i}: *a`)}`,
  "aliases of aliases": (n) =>
    `k0: &k0 [x, x]\n${lines(n, (i) => `k${i + 1}: &k${i + 1} [*k${i}, *k${i}]`)}`,
  "merge keys": (n) =>
    `k0: &k0 {a: 1}\n${lines(n, (i) => `k${i + 1}: &k${i + 1}\n  <<: *k${i}\n  b${i}: 1`)}`,
  documents: (n) => "---\nhttp: {routers: {r: {rule: x, service: s}}}\n".repeat(n),
  comments: (n) => "# c\n".repeat(n),
  directives: (n) => "%YAML 1.2\n".repeat(n),
  tags: (n) => `a: ${"!!str ".repeat(n)}x`,
  spaces: (n) => `a:${" ".repeat(n)}x`,
  "line breaks": (n) => `a: x${"\n".repeat(n)}b: y`,
  quotes: (n) => `a: ${"'".repeat(n)}`,
  colons: (n) => "a:".repeat(n),
  dashes: (n) => "-".repeat(n),
  "a huge number": (n) => `http: {routers: {r: {priority: ${"9".repeat(n)}}}}`,
  "a huge duration": (n) =>
    `http: {services: {s: {loadBalancer: {responseForwarding: {flushInterval: ${"1s".repeat(n)}}}}}}`,
});

const tomlShapes = shapes("TOML", (input) => decodeDocument(input, "r.toml"), {
  routers: (n) => lines(n, (i) => `[http.routers.r${i}]\nrule = "Host(\`h\`)"\nservice = "s"`),
  "dotted keys": (n) => lines(n, (i) => `http.routers.r${i}.rule = "x"`),
  servers: (n) =>
    lines(n, () => '[[http.services.s.loadBalancer.servers]]\nurl = "http://10.0.0.1"'),
  "tables in lists": (n) =>
    lines(n, () => '[[tls.certificates]]\ncertFile = "x"\n[tls.certificates.a]\nb = "y"'),
  "a long list": (n) => `[http.routers.r]\nmiddlewares = [${'"a", '.repeat(n)}"a"]`,
  "a long text": (n) => `[http.routers.r]\nrule = "${"x".repeat(n)}"`,
  "a text of many lines": (n) => `[http.routers.r]\nrule = """\n${"x\n".repeat(n)}"""`,
  escapes: (n) => `a = "${"\\u0041".repeat(n)}"`,
  "open brackets": (n) => `a = ${"[".repeat(n)}`,
  "balanced brackets": (n) => `a = ${"[".repeat(n)}${"]".repeat(n)}`,
  "open braces": (n) => `a = ${"{b = ".repeat(n)}`,
  "a long dotted key": (n) => `${"a.".repeat(n)}b = 1`,
  "a long header": (n) => `[${"a.".repeat(n)}b]\nc = 1`,
  "headers of one prefix": (n) => lines(n, (i) => `[a.b.c.d.e.f.k${i}]`),
  "a long name": (n) => `${"a".repeat(n)} = 1`,
  quotes: (n) => `a = ${'"'.repeat(n)}`,
  "single quotes": (n) => `a = ${"'".repeat(n)}`,
  comments: (n) => "# c\n".repeat(n),
  spaces: (n) => `a =${" ".repeat(n)}1`,
  "a huge number": (n) => `[http.routers.r]\npriority = ${"9".repeat(n)}`,
  "a number with underscores": (n) => `a = 1${"_1".repeat(n)}`,
  "unknown keys": (n) => lines(n, (i) => `key${i} = 1`),
});

function readKeys(keys: string): unknown {
  const objects = new EtcdObjects("traefik/");
  const { touched } = objects.apply(
    keys.split("\n").map((key) => ({ key: `traefik/${key}`, value: "x" })),
  );
  return [...touched].flatMap((id) => objects.read(id));
}

const keyShapes = shapes("etcd", readKeys, {
  routers: (n) => lines(n, (i) => `http/routers/r${i}/rule`),
  "servers of one service": (n) => lines(n, (i) => `http/services/s/loadBalancer/servers/${i}/url`),
  "unknown keys of one object": (n) => lines(n, (i) => `http/routers/r/key${i}`),
  "stray keys": (n) => lines(n, (i) => `http/routes/r${i}/rule`),
  slashes: (n) => `http${"/".repeat(n)}routers/r/rule`,
  "a deep key": (n) => `http/routers/r${"/a".repeat(n)}`,
  "a deep key of a built-in": (n) => `http/services/s/loadBalancer${"/healthCheck".repeat(n)}`,
  "spellings of one key": (n) => lines(n, (i) => `http${"/".repeat((i % 50) + 1)}routers/r/a${i}`),
});

function loadStatic(init: { flags?: readonly string[]; env?: Readonly<Record<string, string>> }) {
  return messageThrown(StaticConfigurationError, () =>
    loadStaticConfiguration({
      flags: [],
      env: {},
      readFile: () => undefined,
      resolvePath: (path) => path,
      ...init,
    }),
  );
}

const flagShapes = shapes("flags", (input) => loadStatic({ flags: input.split("\n") }), {
  "entry points": (n) => lines(n, (i) => `--entryPoints.e${i}.address=:${1000 + (i % 60_000)}`),
  "unknown flags": (n) => lines(n, (i) => `--key${i}=x`),
  "a deep flag": (n) => `--a${".b".repeat(n)}=x`,
  brackets: (n) => `--a${"[0]".repeat(n)}=x`,
  "open brackets": (n) => `--${"[0".repeat(n)}=x`,
  dashes: (n) => "-".repeat(n),
  dots: (n) => `--${".".repeat(n)}=x`,
});

const variableShapes = shapes(
  "environment",
  (input) => loadStatic({ env: Object.fromEntries(input.split("\n").map((name) => [name, "x"])) }),
  {
    "entry points": (n) => lines(n, (i) => `SWITCHYARD_ENTRYPOINTS_E${i}_ADDRESS`),
    "a deep variable": (n) => `SWITCHYARD${"_A".repeat(n)}`,
    underscores: (n) => `SWITCHYARD${"_".repeat(n)}`,
  },
);

const limits = { outputChars: 8_000_000, iterations: 2_000_000, work: 64 * 1024 * 1024 };

function render(input: string): unknown {
  return messageThrown(TemplateError, () => renderTemplate(input, { env: () => "x", limits }));
}

const templateShapes = shapes("template", render, {
  actions: (n) => "{{ 1 }}\n".repeat(n),
  "open actions": (n) => "{{".repeat(n),
  "open actions with spaces": (n) => "{{ ".repeat(n),
  "trimmed actions": (n) => `${" ".repeat(n)}{{- 1 -}}${" ".repeat(n)}`,
  "many trimmed actions": (n) => " {{- 1 -}} ".repeat(n),
  comments: (n) => "{{/* c */}}".repeat(n),
  "comments that do not end": (n) => "{{/* ".repeat(n),
  "nested blocks": (n) => "{{ if 1 }}".repeat(n),
  "a chain of else": (n) => `{{ if 0 }}${"{{ else if 0 }}x".repeat(n)}{{ end }}`,
  parentheses: (n) => `{{ ${"(".repeat(n)} }}`,
  pipes: (n) => `{{ 1 ${"| print ".repeat(n)} }}`,
  arguments: (n) => `{{ print ${"1 ".repeat(n)} }}`,
  fields: (n) => `{{ .${"a.".repeat(n)} }}`,
  variables: (n) => lines(n, (i) => `{{ $v${i} := ${i} }}`),
  "uses of variables": (n) =>
    `${lines(500, (i) => `{{ $v${i} := ${i} }}`)}${"{{ $v0 }}".repeat(n)}`,
  scopes: (n) => `{{ $v := 1 }}${"{{ if $v }}{{ $w := $v }}{{ end }}".repeat(n)}`,
  "a long string": (n) => `{{ "${"x".repeat(n)}" }}`,
  escapes: (n) => `{{ "${"\\x41".repeat(n)}" }}`,
  "a string that does not end": (n) => `{{ "${"\\x".repeat(n)}`,
  quotes: (n) => `{{ ${'"'.repeat(n)}`,
  "single quotes": (n) => `{{ ${"'".repeat(n)}`,
  "a long number": (n) => `{{ 1${"0".repeat(n)} }}`,
  "a number with underscores": (n) => `{{ 1${"_0".repeat(n)} }}`,
  "a long name": (n) => `{{ ${"a".repeat(n)} }}`,
  "a loop": (n) => `{{ range ${n} }}x{{ end }}`,
  "a list that is searched": (n) => `{{ $l := until ${n} }}{{ has -1 $l }}{{ len (uniq $l) }}`,
  "a long printf": (n) => `{{ printf "${"%%".repeat(n)}" }}`,
  "a verb with a long width": (n) => `{{ printf "%${"0".repeat(n)}5d" 1 }}`,
  "digits of a verb": (n) => `{{ printf "${"%5".repeat(n)}" 1 }}`,
  "text to trim": (n) => `{{ trim "${" ".repeat(n)}x${" ".repeat(n)}x" }}`,
  "text to normalise": (n) => `{{ normalize "${"- a".repeat(n)}" }}`,
  "text to title": (n) => `{{ title "${"a' b ".repeat(n)}" }}`,
  "text to split": (n) => `{{ split "${"a,".repeat(n)}" "," | join ";" }}`,
  "text to indent": (n) => `{{ nindent 2 "${"a\\n".repeat(n)}" }}`,
  "text to replace": (n) => `{{ replace "a" "bb" "${"a".repeat(n)}" }}`,
  "text to decode": (n) => `{{ b64dec "${"AAAA".repeat(n)}" }}`,
  "text to decode that is none": (n) => `{{ b64dec "${"=".repeat(n * 4)}" }}`,
  "an expression that backtracks": (n) => `{{ regexMatch "^(a*)*b$" "${"a".repeat(n)}" }}`,
  "a replaced expression": (n) => `{{ regexReplaceAll "a(b)?" "${"a".repeat(n)}" "$1-" }}`,
  "braces of YAML": (n) => `{${"{a: 1}, ".repeat(n)}}`,
});

function decodeFile(text: string): unknown {
  return decodeDynamicFile({ path: "r.yml", text, env: (name) => `value-of-${name}` });
}

const fileShapes = shapes("template file", decodeFile, {
  "broken objects with secrets": (n) =>
    `http:\n  routers:\n${lines(n, (i) => `    r${i}: {{ env "V" }}`)}`,
  "problems of many secrets": (n) =>
    `http:\n  routers:\n${lines(Math.min(n, 300), (i) => `    r${i}: {{ env "V${i}" }}`)}\n${"# x\n".repeat(n)}`,
  loops: (n) =>
    `http:\n  routers:\n{{ range until ${n} }}    r{{ . }}: {rule: x, service: s}\n{{ end }}`,
});

/** Byte by byte, as a client that means ill would send it. */
function readOpening(text: string): unknown {
  const reader = new OpeningReader(true);
  for (const byte of Buffer.from(text, "latin1")) {
    const opening = reader.push(Buffer.of(byte));
    if (opening.kind !== "incomplete") return opening;
  }
  return undefined;
}

const openingShapes = shapes("connection", readOpening, {
  "records of one byte": (n) =>
    `\x16\x03\x01\0\x04\x01\0\xff\xff${"\x16\x03\x01\0\x01x".repeat(n)}`,
  "one record": (n) => `\x16\x03\x01\x40\0\x01\0\xff\xff${"x".repeat(n)}`,
});

export const growthShapes: readonly GrowthShape[] = [
  ...httpGrowthShapes,
  ...ruleShapes,
  ...yamlShapes,
  ...tomlShapes,
  ...keyShapes,
  ...flagShapes,
  ...variableShapes,
  ...templateShapes,
  ...fileShapes,
  ...openingShapes,
];

/** `switchyard validate`: all mistakes of several files at once, each with its place. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runProgram } from "../support/program.ts";

async function validate(t: TestContext, files: Readonly<Record<string, string>>) {
  const cwd = await mkdtemp(join(tmpdir(), "switchyard-validate-"));
  t.after(() => rm(cwd, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
  const { code, stdout, stderr } = await runProgram(["validate", ...Object.keys(files)], { cwd });
  return { code, lines: stdout.split("\n"), stderr };
}

test("names every mistake of every file, by position", async (t) => {
  const { code, lines, stderr } = await validate(t, {
    "static.toml": '[entryPoints.web]\naddress = ":80"\n[log]\nlevl = "info"\n',
    "routes.yml": `
http:
  routers:
    misspelt:
      rule: Hots(\`a.example\`)
      entryPoints: [wbe]
      service: nowhere
    astray:
      rule: Host(\`b.example\`)
      entryPoints: [wbe]
      service: nowhere
  services:
    app:
      loadBalancer:
        servers:
          - url: 127.0.0.1
    weights:
      loadBalancer:
        servers:
          - url: http://127.0.0.1:1
            weight: many
  middlewares:
    round:
      chain: { middlewares: [round] }
  routes: {}
`,
    "broken.yml": "http:\n  routers: [\n",
  });
  const [unreadable] = lines.splice(-2, 1);
  assert.match(unreadable ?? "", /^broken\.yml:3:1: ./);
  assert.deepEqual(lines, [
    'static.toml:4:1: Unknown key "levl" in log (did you mean "level"?)',
    'routes.yml:5:13: Cannot use router "misspelt@file": rule "Hots(`a.example`)" is invalid at character 1: unknown matcher "Hots", did you mean "Host"?',
    'routes.yml:6:7: Cannot use router "misspelt@file": entry point "wbe" does not exist',
    'routes.yml:7:16: Cannot use router "misspelt@file": service "nowhere@file" does not exist (a name without @ is looked up in the same provider)',
    'routes.yml:10:7: Cannot use router "astray@file": entry point "wbe" does not exist',
    'routes.yml:11:16: Cannot use router "astray@file": service "nowhere@file" does not exist (a name without @ is looked up in the same provider)',
    'routes.yml:16:18: Cannot use service "app@file": Server URL "127.0.0.1" has no scheme (write it like http://10.0.0.1:8080)',
    'routes.yml:21:21: Invalid value "many" for loadBalancer.servers[0].weight of service "weights": expected a whole number between -2147483647 and 2147483647',
    'routes.yml:23:5: Cannot use middleware "round@file": it refers to itself (round@file -> round@file)',
    'routes.yml:25:3: Unknown key "routes" in http (did you mean "routers"?)',
    "11 problems in 3 files",
  ]);
  assert.equal(stderr, "");
  assert.equal(code, 1);
});

test("takes files as one configuration, and unbuilt keys as warnings only", async (t) => {
  const { code, lines } = await validate(t, {
    "routers.yml":
      "http:\n  routers:\n    a:\n      rule: Host(`a.example`)\n      service: app\n      middlewares: [login]\n      entryPoints: [somewhere]\n",
    "services.toml":
      '[[http.services.app.loadBalancer.servers]]\nurl = "http://127.0.0.1:1"\n[http.middlewares.login.digestAuth]\nusers = ["a:b:c"]\n',
  });
  assert.deepEqual(lines, [
    'routers.yml:6:7: warning: Cannot use router "a@file": middleware "login@file" is not in use',
    'services.toml:3:1: warning: Cannot use middleware "login@file": "digestAuth" is not supported yet (remove "digestAuth" if the object may be used without it)',
    "2 files are valid, 2 warnings",
  ]);
  assert.equal(code, 0);
});

test("the quickstart is valid", async () => {
  const paths = ["switchyard.yml", "routes.yml"].map((name) => `examples/quickstart/${name}`);
  const { code, stdout, stderr } = await runProgram(["validate", ...paths]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "2 files are valid", stderr: "" });
});

test("wrong usage and unreadable files are exit code 2", async (t) => {
  const { code, lines, stderr } = await validate(t, {});
  assert.deepEqual([code, lines], [2, [""]]);
  assert.equal(stderr, "switchyard: missing required argument 'file'\n");
  const missing = await runProgram(["validate", "nowhere.yml", "cli"]);
  assert.deepEqual([missing.code, missing.stdout], [2, ""]);
  assert.equal(
    missing.stderr,
    "switchyard: Cannot read nowhere.yml: there is no such file or folder\nCannot read cli: it is a folder\n",
  );
});

test("renders a template as the file provider does, and places its mistakes in the template", async (t) => {
  const good = await validate(t, {
    "routes.yml": `http:
  services:
    app: { loadBalancer: { servers: [ { url: "http://127.0.0.1:1" } ] } }
  routers:
{{ range $name := (list "a" "b") }}
    {{ $name }}: { rule: "Host(\`{{ $name }}.example\`)", service: app }
{{ end }}
`,
  });
  assert.deepEqual([good.code, good.lines], [0, ["1 file is valid"]]);
  const bad = await validate(t, {
    "routes.yml": "http:\n  routers:\n    r: { rule: Host(`{{ uper `x` }}`), service: s }\n",
  });
  assert.equal(bad.code, 1);
  assert.match(bad.lines[0] ?? "", /^routes\.yml:3:\d+: Cannot read routes\.yml as a template: /);
});

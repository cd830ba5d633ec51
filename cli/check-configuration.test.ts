import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formatPosition } from "../config-model/dynamic/diagnostic.ts";
import { CertificateAuthority } from "../test/support/certificates.ts";
import { checkConfiguration, isMistake } from "./check-configuration.ts";

/** `place: message` of each, `warning: ` before what is no mistake. */
function check(files: Readonly<Record<string, string>>): readonly string[] {
  const list = Object.entries(files).map(([path, text]) => ({ path, text }));
  return checkConfiguration(list, (path) => path).map((problem) => {
    const mark = isMistake(problem) ? "" : "warning: ";
    return `${formatPosition(problem.source)}: ${mark}${problem.message}`;
  });
}

const service =
  "http: { services: { s: { loadBalancer: { servers: [{ url: 'http://127.0.0.1:1' }] } } } }\n";

function router(name: string, lines: string): string {
  return `http:\n  routers:\n    ${name}:\n      rule: Path(\`/\`)\n      service: s\n${lines}`;
}

test("entry points of a static part that has mistakes are known all the same", () => {
  const found = check({
    "s.yml": "entryPoints:\n  web: { address: nowhere }\n",
    "a.yml": router("a", "      entryPoints: [web]\n"),
    "b.yml": router("b", "      entryPoints: [other]\n"),
    "c.yml": service,
  });
  assert.deepEqual(found, [
    's.yml:2:19: Invalid value "nowhere" for entryPoints.web.address: expected [HOST]:PORT, then /tcp or /udp if need be',
    'b.yml:6:7: Cannot use router "b@file": entry point "other" does not exist',
  ]);
});

test("an entry point that is not opened is a warning, and no mistake of its routers", () => {
  const found = check({
    "s.yml": "entryPoints:\n  web:\n    address: ':80'\n    proxyProtocol: { insecure: true }\n",
    "a.yml": router("a", "      entryPoints: [web]\n"),
    "c.yml": service,
  });
  assert.deepEqual(found, [
    "s.yml:4:5: warning: entryPoints.web.proxyProtocol is not supported yet, so the entry point is not opened",
  ]);
});

test("of two static parts and of two objects of one name the first counts", () => {
  const found = check({
    "a.yml": `log: { level: info }\n${service}`,
    "b.yml": `log: { level: loud }\n${service}`,
  });
  assert.deepEqual(found, [
    "b.yml:1:1: warning: The static configuration is in a.yml already; the one here counts only without that file",
    'b.yml:1:15: Invalid value "loud" for log.level: valid are debug, info, warn, error',
    'b.yml:2:21: warning: "s" is also in a.yml, which comes first by name and counts',
  ]);
});

test("a root name is spoken of once", () => {
  const found = check({
    "a.yml": "pilot: {}\nlog: { level: info }\nLog: { level: info }\nfoo: {}\n",
  });
  assert.deepEqual(
    found.map((line) => line.slice(0, 40)),
    [
      'a.yml:1:1: Unknown key "pilot" in the st',
      'a.yml:3:1: Key "Log" is given twice in t',
      'a.yml:4:1: Unknown key "foo" in the file',
    ],
  );
});

test("what is behind an unbuilt key of a router is found too", () => {
  const found = check({ "a.yml": router("a", "      ruleSyntax: v2\n      middlewares: [m]\n") });
  assert.deepEqual(found, [
    'a.yml:5:16: Cannot use router "a@file": service "s@file" does not exist',
    'a.yml:6:19: warning: Cannot use router "a@file": "ruleSyntax" is not supported yet',
    'a.yml:7:7: Cannot use router "a@file": middleware "m@file" does not exist',
  ]);
});

test("the same files give the same lines, whatever their order says about names", () => {
  const files = { "b.yml": service, "a.yml": router("a", "") };
  assert.deepEqual(check(files), []);
});

test("files that objects name are read; one that is not here is no mistake, what is wrong with one is", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-check-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [users, missing] = [join(folder, "users"), join(folder, "missing")];
  const file = (path: string) =>
    `http:\n  middlewares:\n    m:\n      basicAuth:\n        usersFile: ${path}\n`;
  writeFileSync(users, "ada:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/\n");
  assert.deepEqual(check({ "a.yml": file(users) }), []);
  writeFileSync(users, "hunter2\n");
  assert.deepEqual(check({ "a.yml": file(users) }), [
    `a.yml:5:20: Cannot use middleware "m@file": line 1 of ${users} is not of the form name:hash`,
  ]);
  const pair = `tls:\n  certificates:\n    - { certFile: ${missing}, keyFile: ${users} }\n`;
  assert.deepEqual(check({ "a.yml": file(missing), "b.yml": pair }), [
    `a.yml:5:20: warning: Cannot use middleware "m": users file ${missing} cannot be read: there is no such file or folder`,
    `b.yml:3:19: warning: Cannot use TLS certificate "0": certificate file ${missing} cannot be read: there is no such file or folder`,
  ]);
});

test("a private key is not for a stream without TLS, unless that is allowed", () => {
  const authority = new CertificateAuthority();
  const { cert, key } = authority.issue("shop");
  const certificate = JSON.stringify({ certFile: String(cert), keyFile: String(key) });
  const routes = `tls:\n  certificates:\n    - ${certificate}\n`;
  const fleet = (more: string) =>
    `entryPoints: { web: { address: ":80" } }\nfleet: { stream: { address: "0.0.0.0:18000" }, insecure: true${more} }\n`;
  const [found, ...others] = check({ "s.yml": fleet(""), "r.yml": routes });
  assert.match(
    found ?? "",
    /^r\.yml:3:7: Cannot use TLS certificate "[0-9a-f]{64}@file": its private key would be sent/,
  );
  assert.deepEqual(others, []);
  assert.deepEqual(check({ "s.yml": fleet(", insecureSecrets: true"), "r.yml": routes }), []);
});

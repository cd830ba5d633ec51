/** Certificates, keys and authorities that a dynamic file names by path. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { SourceObject } from "../../config-model/dynamic/source-object.ts";
import { type Certificate, CertificateAuthority } from "../../test/support/certificates.ts";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { until } from "../../test/support/until.ts";
import { FileProvider } from "./file-provider.ts";
import type { ProviderEvent } from "./provider.ts";

const authority = new CertificateAuthority();
let folder = "";
let provider: FileProvider | undefined;
let log = new RecordingLog();
const stop = new AbortController();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchyard-tls-"));
  log = new RecordingLog();
});

afterEach(async () => {
  await provider?.stop();
  provider = undefined;
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);
const nameOf = ({ cert }: Certificate) =>
  new X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase();

function write(name: string, content: string | Buffer): void {
  writeFileSync(at(`${name}.new`), content);
  renameSync(at(`${name}.new`), at(name));
}

async function start(yaml: string) {
  const objects = new Map<string, SourceObject>();
  const events: ProviderEvent[] = [];
  write("routes.yml", yaml);
  provider = new FileProvider({
    config: { filename: at("routes.yml"), directory: undefined, watch: true },
    log,
    settleMs: 5,
  });
  await provider.start((event) => {
    events.push(event);
    if (event.kind !== "changes") return;
    for (const { key, object } of event.changes) {
      if (object === undefined) objects.delete(`${key.kind}:${key.name}`);
      else objects.set(`${key.kind}:${key.name}`, object);
    }
  }, stop.signal);
  return { objects, events };
}

const pair = (name: string) => `{certFile: ${at(`${name}.pem`)}, keyFile: ${at(`${name}.key`)}}`;

test("certificates are called by their leaf and hold the files' content, from wherever it comes", async () => {
  const [a, b] = [authority.issue("a"), authority.issue("b")];
  write("a.pem", a.cert);
  write("a.key", a.key);
  write("ca.pem", authority.cert);
  const inline = JSON.stringify({ certFile: String(b.cert), keyFile: String(b.key) });
  const { objects } = await start(`
tls:
  certificates: [${pair("a")}, ${inline}, ${pair("a")}]
  stores: {default: {defaultCertificate: ${pair("a")}}}
  options: {x: {clientAuth: {caFiles: [${at("ca.pem")}]}}}
`);
  assert.deepEqual(
    new Set(objects.keys()),
    new Set([
      `tlsCertificate:${nameOf(a)}`,
      `tlsCertificate:${nameOf(b)}`,
      "tlsStore:default",
      "tlsOptions:x",
    ]),
  );
  const config = objects.get(`tlsCertificate:${nameOf(a)}`)?.config;
  assert.ok(config?.kind === "tlsCertificate");
  assert.deepEqual([config.certFile, config.keyFile], [String(a.cert), String(a.key)]);
  const options = objects.get("tlsOptions:x")?.config;
  assert.ok(options?.kind === "tlsOptions");
  assert.deepEqual(options.clientAuth.caFiles, [String(authority.cert)]);
});

test("a renewed certificate takes the place of the old one once both its files are there", async () => {
  const [before, after] = [authority.issue("a"), authority.issue("a")];
  write("a.pem", before.cert);
  write("a.key", before.key);
  const { objects, events } = await start(`tls: {certificates: [${pair("a")}]}`);
  write("a.pem", after.cert);
  const old = `tlsCertificate:${nameOf(before)}`;
  await until("the torn pair is told", () => objects.get(old)?.problems.length === 1);
  assert.equal(
    objects.get(old)?.problems[0]?.message,
    'Cannot use TLS certificate "0": its private key is that of another certificate',
  );
  assert.notEqual(objects.get(old)?.config, undefined, "the old pair is still in use");
  const seen = events.length;
  write("a.key", after.key);
  const renewed = `tlsCertificate:${nameOf(after)}`;
  await until("the new pair", () => objects.has(renewed));
  assert.deepEqual([...objects.keys()], [renewed]);
  assert.deepEqual(objects.get(renewed)?.problems, []);
  assert.equal(events.length, seen + 1, "old and new change places in one event");
});

test("what cannot be read or used is told, without what was written for a key, until it can be", async () => {
  const [a, b] = [authority.issue("a"), authority.issue("b")];
  write("a.pem", a.cert);
  write("b.key", b.key);
  const secret = String(b.key).split("\n")[1] ?? "";
  const { objects } = await start(`
tls:
  certificates:
    - ${pair("a")}
    - {certFile: ${at("a.pem")}, keyFile: ${at("b.key")}}
    - {certFile: ${at("a.pem")}, keyFile: ${secret}}
    - {certFile: ${at("a.pem")}}
  options: {x: {clientAuth: {caFiles: [${at("b.key")}]}}}
`);
  const told = () => [...objects.values()].flatMap(({ problems }) => problems);
  assert.deepEqual(
    told().map(({ message, severity }) => `${severity}: ${message}`),
    [
      'error: Cannot use TLS certificate "0": its private key cannot be read: there is no such file or folder',
      'error: Cannot use TLS certificate "1": its private key is that of another certificate',
      'error: Cannot use TLS certificate "2": its private key cannot be read: there is no such file or folder',
      'error: Cannot use TLS certificate "3": it has no keyFile',
      `error: Cannot use TLS options "x": certificate authority ${at("b.key")} is no certificate`,
    ],
  );
  for (const { config } of objects.values()) assert.equal(config, undefined);
  write("a.key", a.key);
  await until("the mended one", () => objects.has(`tlsCertificate:${nameOf(a)}`));
  const everything = JSON.stringify([told(), log]);
  assert.ok(!everything.includes(secret) && !everything.includes("PRIVATE KEY"));
});

test("a file that vanishes leaves what it held in use", async () => {
  const a = authority.issue("a");
  write("a.pem", a.cert);
  write("a.key", a.key);
  const { objects } = await start(`tls: {certificates: [${pair("a")}]}`);
  rmSync(at("a.key"));
  const id = `tlsCertificate:${nameOf(a)}`;
  await until("it is told", () => objects.get(id)?.problems.length === 1);
  assert.notEqual(objects.get(id)?.config, undefined);
});

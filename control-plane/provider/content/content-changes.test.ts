import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { type ObjectKey, objectId } from "../../../config-model/dynamic/object-key.ts";
import type { SourceChange, SourceObject } from "../../../config-model/dynamic/source-object.ts";
import { type Certificate, CertificateAuthority } from "../../../test/support/certificates.ts";
import { SeededRandom } from "../../../test/support/seeded-random.ts";
import { EtcdObjects } from "../etcd-objects.ts";
import { ContentChanges } from "./content-changes.ts";

const authority = new CertificateAuthority();
const [a, b, c] = [authority.issue("a"), authority.issue("b"), authority.issue("c")];

let folder = "";
const at = (name: string) => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchyard-content-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Buffer): void {
  writeFileSync(at("new"), content);
  renameSync(at("new"), at(name));
}

function writePair(name: string, { cert, key }: Certificate): void {
  write(`${name}.pem`, cert);
  write(`${name}.key`, key);
}

const nameOf = ({ cert }: Certificate) =>
  new X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase();
const idOf = (certificate: Certificate) => `tlsCertificate:${nameOf(certificate)}`;

/** What somebody who follows the changes of an etcd's keys holds. */
class Follower {
  readonly held = new Map<string, SourceObject>();
  readonly #objects = new EtcdObjects("traefik/");
  readonly #content = new ContentChanges();

  /** Values by key below the root; `undefined` deletes. */
  set(values: Readonly<Record<string, string | undefined>>): readonly string[] {
    const pairs = Object.entries(values).map(([key, value]) => ({ key: `traefik/${key}`, value }));
    const { touched } = this.#objects.apply(pairs);
    const read = [...touched].flatMap((id) => this.#objects.read(id));
    return this.#hold(this.#content.take(read));
  }

  look(): readonly string[] {
    return this.#hold(this.#content.look());
  }

  get said(): readonly string[] {
    return [...this.held.values()].flatMap(({ problems }) =>
      problems.map(({ severity, message, source, hint }) =>
        [`${severity} ${source.location}: ${message}`, ...(hint === undefined ? [] : [hint])].join(
          ", ",
        ),
      ),
    );
  }

  #hold(changes: readonly SourceChange[]): readonly string[] {
    const ids = changes.map(({ key }) => objectId(key));
    assert.equal(new Set(ids).size, ids.length, "a key occurs twice");
    for (const { key, object } of changes) {
      if (object !== undefined) this.held.set(objectId(key), object);
      else assert.ok(this.held.delete(objectId(key)), `${key.name} was not there`);
    }
    return ids;
  }
}

const certificate = (number: number | string, name: string) => ({
  [`tls/certificates/${number}/certFile`]: at(`${name}.pem`),
  [`tls/certificates/${number}/keyFile`]: at(`${name}.key`),
});

const without = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.keys(values).map((key) => [key, undefined]));

test("a numbered certificate is called by its leaf, and renamed with it", () => {
  writePair("a", a);
  writePair("b", b);
  const follower = new Follower();
  assert.deepEqual(follower.set(certificate(0, "a")), [idOf(a)]);
  const held = follower.held.get(idOf(a));
  assert.ok(held !== undefined);
  const { config, source } = held;
  assert.ok(config?.kind === "tlsCertificate");
  assert.deepEqual([config.certFile, config.keyFile], [String(a.cert), String(a.key)]);
  assert.equal(source.location, "traefik/tls/certificates/0");
  assert.deepEqual(new Set(follower.set(certificate(0, "b"))), new Set([idOf(a), idOf(b)]));
  assert.deepEqual([...follower.held.keys()], [idOf(b)]);
  follower.set(without(certificate(0, "b")));
  assert.deepEqual([...follower.held.keys()], []);
});

test("the same certificate twice is one, in the stores of both, and goes with the last of them", () => {
  writePair("a", a);
  const follower = new Follower();
  const stores = () => {
    const config = follower.held.get(idOf(a))?.config;
    return config?.kind === "tlsCertificate" ? config.stores : undefined;
  };
  const inline = {
    "tls/certificates/1/certFile": String(a.cert),
    "tls/certificates/1/keyFile": String(a.key),
    "tls/certificates/1/stores": "other",
  };
  follower.set(inline);
  assert.deepEqual(stores(), ["other"]);
  follower.set(certificate(0, "a"));
  assert.deepEqual([...follower.held.keys()], [idOf(a)]);
  assert.deepEqual(stores(), ["default", "other"]);
  follower.set(without(inline));
  assert.deepEqual(stores(), []);
  follower.set(without(certificate(0, "a")));
  assert.deepEqual([...follower.held.keys()], []);
});

test("a changed file touches the objects that name it, and no others", () => {
  for (const [name, pair] of [
    ["a", a],
    ["b", b],
  ] as const)
    writePair(name, pair);
  write("ca.pem", authority.cert);
  const follower = new Follower();
  follower.set({
    ...certificate(0, "a"),
    ...certificate(1, "b"),
    "tls/stores/default/defaultCertificate/certFile": at("b.pem"),
    "tls/stores/default/defaultCertificate/keyFile": at("b.key"),
    "tls/options/o/clientAuth/caFiles": at("ca.pem"),
    "http/routers/r/rule": "Path(`/`)",
  });
  assert.deepEqual(follower.look(), []);
  writePair("b", c);
  assert.deepEqual(new Set(follower.look()), new Set(["tlsStore:default", idOf(b), idOf(c)]));
  write("ca.pem", a.cert);
  assert.deepEqual(follower.look(), ["tlsOptions:o"]);
  assert.deepEqual(follower.set({ "http/routers/r/rule": "Path(`/x`)" }), ["httpRouter:r"]);
  assert.deepEqual(follower.look(), []);
});

test("a torn pair leaves the one before in use and is told at the key, be it torn in files or in etcd's keys", () => {
  writePair("a", a);
  const follower = new Follower();
  follower.set(certificate(0, "a"));
  write("a.pem", b.cert);
  assert.deepEqual(follower.look(), [idOf(a)]);
  const told =
    'warning traefik/tls/certificates/0/keyFile: Cannot use TLS certificate "0": its private key is that of another certificate, the pair it had before stays in use';
  assert.deepEqual(follower.said, [told]);
  write("a.key", b.key);
  follower.look();
  assert.deepEqual([[...follower.held.keys()], follower.said], [[idOf(b)], []]);
  // What is written one key after another is torn in between.
  follower.set({ "tls/certificates/0/certFile": String(c.cert) });
  assert.deepEqual([[...follower.held.keys()], follower.said], [[idOf(b)], [told]]);
  follower.set({ "tls/certificates/0/nonsense": "1" });
  assert.deepEqual([...follower.held.keys()], [idOf(b)]);
  assert.match(follower.said.join(), /^warning .*Unknown key "nonsense"/);
  follower.set({ "tls/certificates/0/nonsense": undefined });
  follower.set({ "tls/certificates/0/keyFile": String(c.key) });
  assert.deepEqual([[...follower.held.keys()], follower.said], [[idOf(c)], []]);
});

test("what cannot be read or used is told at its key, without what was written for a key", () => {
  writePair("a", a);
  const secret = String(b.key).split("\n")[1] ?? "";
  const follower = new Follower();
  follower.set({
    "tls/certificates/0/certFile": at("none.pem"),
    "tls/certificates/0/keyFile": at("a.key"),
    "tls/certificates/1/certFile": at("a.pem"),
    "tls/certificates/1/keyFile": secret,
    "tls/certificates/2/certFile": at("a.pem"),
    "tls/certificates/3/certFile": String(b.key),
    "tls/certificates/3/keyFile": String(a.cert),
    "tls/stores/default/defaultCertificate/certFile": at("a.pem"),
    "tls/stores/default/defaultCertificate/keyFile": at("a.pem"),
    "tls/options/o/clientAuth/caFiles/0": at("a.pem"),
    "tls/options/o/clientAuth/caFiles/1": at("a.key"),
  });
  assert.deepEqual(
    follower.said,
    [
      'error traefik/tls/options/o/clientAuth/caFiles/1: Cannot use TLS options "o": ' +
        `certificate authority ${at("a.key")} is no certificate`,
      'error traefik/tls/stores/default/defaultCertificate/keyFile: Cannot use TLS store "default": its private key is no private key',
      `error traefik/tls/certificates/0/certFile: Cannot use TLS certificate "0": certificate file ${at("none.pem")} cannot be read: there is no such file or folder`,
      'error traefik/tls/certificates/1/keyFile: Cannot use TLS certificate "1": its private key cannot be read: there is no such file or folder',
      'error traefik/tls/certificates/2: Cannot use TLS certificate "2": it has no keyFile',
      'error traefik/tls/certificates/3/certFile: Cannot use TLS certificate "3": its certificate is no certificate',
    ].toSorted((x, y) => follower.said.indexOf(x) - follower.said.indexOf(y)),
  );
  assert.ok(!follower.said.join().includes(secret));
  for (const { config } of follower.held.values()) assert.equal(config, undefined);
});

test("a middleware has the lines of its users file, as they are now, and none while they cannot be read", () => {
  write("users", "ada:hunter2\n");
  const follower = new Follower();
  const id = "httpMiddleware:m";
  const lines = () => {
    const config = follower.held.get(id)?.config;
    return config?.kind === "httpMiddleware" ? config.basicAuth?.usersFile?.content : undefined;
  };
  const usersFile = "http/middlewares/m/basicAuth/usersFile";
  follower.set({ [usersFile]: at("users"), "http/middlewares/n/basicAuth/users": "a:b" });
  assert.equal(lines(), "ada:hunter2\n");
  write("users", "bob:hunter2\n");
  assert.deepEqual(follower.look(), [id]);
  assert.equal(lines(), "bob:hunter2\n");
  rmSync(at("users"));
  assert.deepEqual(follower.look(), [id]);
  assert.equal(lines(), undefined);
  assert.deepEqual(follower.said, [
    `error traefik/${usersFile}: Cannot use middleware "m": users file ${at("users")} cannot be read: there is no such file or folder`,
  ]);
  write("users", "ada:hunter2\n");
  follower.look();
  assert.deepEqual([lines(), follower.said], ["ada:hunter2\n", []]);
  follower.set({ [usersFile]: undefined });
  write("users", "");
  assert.deepEqual(follower.look(), [], "nobody names it any more");
});

test("a certificate's fields are found under its number, whatever it is called", () => {
  writePair("a", a);
  const follower = new Follower();
  follower.set(certificate(7, "a"));
  const key: ObjectKey = { kind: "tlsCertificate", name: nameOf(a) };
  const position = follower.held.get(objectId(key))?.fields?.positionOf(key, ["certFile"]);
  assert.equal(position?.location, "traefik/tls/certificates/7/certFile");
});

test("any order of changed keys and files ends in what reading everything anew gives", () => {
  const random = new SeededRandom(7);
  const pairs = [a, b, c];
  const fileNames = ["x", "y", "z"];
  let renewals = 0;
  for (let run = 0; run < 60; run++) {
    const follower = new Follower();
    const values = new Map<string, string>();
    const held = new Map<string, Certificate>();
    const set = (changes: Readonly<Record<string, string | undefined>>) => {
      for (const [key, value] of Object.entries(changes)) {
        if (value === undefined) values.delete(key);
        else values.set(key, value);
      }
      follower.set(changes);
    };
    for (const name of fileNames) {
      rmSync(at(`${name}.pem`), { force: true });
      rmSync(at(`${name}.key`), { force: true });
    }
    for (let step = 0; step < 25; step++) {
      const name = random.pick(fileNames);
      const place = `tls/${random.pick(["certificates/0", "certificates/1", "stores/default/defaultCertificate", "options/o/clientAuth"])}`;
      const pair = random.pick(pairs);
      const action = random.below(8);
      if (action < 2 && place.endsWith("clientAuth"))
        set({ [`${place}/caFiles`]: at(`${name}.pem`) });
      else if (action < 2)
        set({ [`${place}/certFile`]: at(`${name}.pem`), [`${place}/keyFile`]: at(`${name}.key`) });
      else if (action === 2) {
        const gone = [...values.keys()].filter((key) => key.startsWith(place));
        set(Object.fromEntries(gone.map((key) => [key, undefined])));
      } else if (action === 3) set({ [`${place}/certFile`]: at(`${name}.pem`) });
      else if (action === 4) rmSync(at(`${name}.key`), { force: true });
      else {
        if (action === 5) write(`${name}.pem`, pair.cert);
        else writePair(name, pair);
        held.set(name, pair);
      }
      if (random.chance(0.2)) {
        const usersFile = random.chance(0.7) ? at(`${random.pick(fileNames)}.pem`) : undefined;
        set({ "http/middlewares/m/basicAuth/usersFile": usersFile });
      }
      // Sometimes several changes are seen at once.
      if (random.chance(0.6)) renewals += follower.look().length;
    }
    // In the end nothing is torn: what stays from before a mistake is the past's, not the present's.
    for (const name of fileNames) writePair(name, held.get(name) ?? a);
    for (const place of ["certificates/0", "certificates/1", "stores/default/defaultCertificate"]) {
      const certFile = values.get(`tls/${place}/certFile`);
      if (certFile === undefined) continue;
      set({ [`tls/${place}/keyFile`]: certFile.replace(/pem$/, "key") });
    }
    renewals += follower.look().length;
    const anew = new Follower();
    anew.set(Object.fromEntries(values));
    const plain = ({ held: objects }: Follower) =>
      new Map([...objects].toSorted().map(([id, { fields: _, ...object }]) => [id, object]));
    assert.deepEqual(plain(follower), plain(anew), `run ${run}`);
    assert.deepEqual(follower.look(), []);
  }
  assert.ok(renewals > 300, `${renewals} objects changed by their files`);
});

/** Files that etcd's keys name, on the machine of the control plane: read, and followed without an event of etcd. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { SourceObject } from "../../config-model/dynamic/source-object.ts";
import { EtcdProvider } from "../../control-plane/provider/etcd-provider.ts";
import type { ProviderEvent } from "../../control-plane/provider/provider.ts";
import { type Certificate, CertificateAuthority } from "../support/certificates.ts";
import { TestEtcd } from "../support/etcd.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { until } from "../support/until.ts";
import { anonymous } from "../support/watched.ts";

const authority = new CertificateAuthority();
const folder = mkdtempSync(join(tmpdir(), "switchyard-etcd-files-"));
after(() => rmSync(folder, { recursive: true }));

const idOf = ({ cert }: Certificate) =>
  `tlsCertificate:${new X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase()}`;

/** A version of a mounted volume, as an orchestrator swaps them: by one link. */
function mount(version: string, { cert, key }: Certificate): void {
  mkdirSync(join(folder, version));
  writeFileSync(join(folder, version, "tls.crt"), cert);
  writeFileSync(join(folder, version, "tls.key"), key);
  symlinkSync(version, join(folder, "..new"));
  renameSync(join(folder, "..new"), join(folder, "current"));
}

test("EtcdProvider follows the files its keys name, and the keys, wherever a change begins", async () => {
  const [first, second, third] = [1, 2, 3].map((number) => authority.issue(`v${number}.test`));
  assert.ok(first && second && third);
  const log = new RecordingLog();
  await using etcd = await TestEtcd.start();
  const provider = new EtcdProvider({
    etcd: { ...anonymous, endpoints: [etcd.endpoint], rootKey: "traefik" },
    log,
    settleMs: 5,
  });
  await using _ = { [Symbol.asyncDispose]: () => provider.stop() };
  const held = new Map<string, SourceObject>();
  const events: ProviderEvent[] = [];
  await provider.start((event) => {
    events.push(event);
    if (event.kind !== "changes") return;
    for (const { key, object } of event.changes) {
      if (object === undefined) held.delete(`${key.kind}:${key.name}`);
      else held.set(`${key.kind}:${key.name}`, object);
    }
  }, new AbortController().signal);
  const holds = (...ids: readonly string[]) =>
    until(ids.join(), () => [...held.keys()].toSorted().join() === ids.toSorted().join());

  // The keys first, the folder later.
  const [certFile, keyFile] = ["tls.crt", "tls.key"].map((name) => join(folder, "current", name));
  await etcd.transaction(
    `put traefik/tls/certificates/0/certFile ${certFile}`,
    `put traefik/tls/certificates/0/keyFile ${keyFile}`,
  );
  await until("the missing file is told", () =>
    [...held.values()].some(({ problems }) => problems.length > 0),
  );
  const [problem] = [...held.values()].flatMap(({ problems }) => problems);
  assert.equal(problem?.source.location, "traefik/tls/certificates/0/certFile");
  mount("v1", first);
  await holds(idOf(first));

  // Renewals: etcd says nothing.
  mount("v2", second);
  await holds(idOf(second));
  const said = events.length;
  mount("v3", third);
  await holds(idOf(third));
  assert.equal(events.length, said + 1, "old and new change places in one event");

  // The same one under another number, then only there.
  await etcd.transaction(
    `put traefik/tls/certificates/1/certFile ${certFile}`,
    `put traefik/tls/certificates/1/keyFile ${keyFile}`,
  );
  await etcd.ctl("del", "--prefix", "traefik/tls/certificates/0/");
  await until("the other number", () =>
    [...held.values()].some(({ source }) => source.location === "traefik/tls/certificates/1"),
  );
  await holds(idOf(third));
  await etcd.ctl("del", "--prefix", "traefik/tls/");
  await holds();
  assert.ok(!JSON.stringify(log).includes("PRIVATE KEY"));
});

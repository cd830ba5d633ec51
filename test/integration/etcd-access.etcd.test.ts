/** How etcd is reached: TLS, several endpoints, and what is said when it cannot be. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { EtcdClient } from "../../control-plane/etcd/etcd-client.ts";
import { oneKey } from "../../control-plane/etcd/key-range.ts";
import { type Certificate, CertificateAuthority } from "../support/certificates.ts";
import { TestEtcd } from "../support/etcd.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { until } from "../support/until.ts";
import { anonymous, Watched } from "../support/watched.ts";

/** Reads one key and closes; the value, or the message of the failure. */
async function read(access: ConstructorParameters<typeof EtcdClient>[0]): Promise<string> {
  const client = new EtcdClient(access);
  try {
    const { pairs } = await client.range(oneKey("key"));
    return pairs[0]?.value.toString() ?? "";
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } finally {
    client.close();
  }
}

describe("EtcdClient over TLS", () => {
  let folder: string;
  let etcd: TestEtcd;
  const file = (name: string) => join(folder, name);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "switchyard-etcd-tls-"));
    const authority = new CertificateAuthority();
    const { cert, key } = authority.issue("etcd");
    await writeFile(file("ca.pem"), authority.cert);
    await writeFile(file("other-ca.pem"), new CertificateAuthority("Another CA").cert);
    await writeFile(file("cert.pem"), cert);
    await writeFile(file("key.pem"), key);
    etcd = await TestEtcd.start({
      tls: { cert: file("cert.pem"), key: file("key.pem"), ca: file("ca.pem") },
    });
    await etcd.put("key", "value");
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const over = (tls: { ca?: string; cert?: string; insecureSkipVerify?: boolean }) =>
    read({
      ...anonymous,
      endpoints: [etcd.endpoint],
      tls: {
        ca: tls.ca && file(tls.ca),
        cert: tls.cert && file(tls.cert),
        key: tls.cert && file("key.pem"),
        insecureSkipVerify: tls.insecureSkipVerify ?? false,
      },
    });

  test("works with PEM files, and without verification when that is asked for", async () => {
    assert.equal(await over({ ca: "ca.pem", cert: "cert.pem" }), "value");
    assert.equal(await over({ cert: "cert.pem", insecureSkipVerify: true }), "value");
  });

  test("says what is wrong with a certificate, or with a file", async () => {
    const name = `EtcdUnreachableError: Cannot reach etcd at ${etcd.endpoint}`;
    assert.equal(
      await over({ ca: "other-ca.pem", cert: "cert.pem" }),
      `${name}: its certificate is not signed by a known CA`,
    );
    assert.equal(
      await over({ ca: "missing.pem" }),
      `EtcdUnavailableError: Cannot connect to etcd: ${file("missing.pem")} cannot be read`,
    );
    assert.match(
      await read({ ...anonymous, endpoints: [etcd.endpoint] }),
      /^Etcd\w+Error: Cannot reach etcd at 127\.0\.0\.1:\d+: connection lost$/,
    );
  });
});

test("EtcdClient uses a rotated certificate without a failed call, and the old one while the new is half there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-etcd-rotation-"));
  const file = (name: string) => join(folder, name);
  const authority = new CertificateAuthority();
  const server = authority.issue("etcd");
  await writeFile(file("ca.pem"), authority.cert);
  await writeFile(file("server.pem"), server.cert);
  await writeFile(file("server-key.pem"), server.key);
  const rotate = async (part: "cert" | "key", pair: Certificate) =>
    await writeFile(file(`client-${part}.pem`), pair[part]);
  const [old, next] = [authority.issue("old client"), authority.issue("next client")];
  await rotate("cert", old);
  await rotate("key", old);
  await using etcd = await TestEtcd.start({
    tls: { cert: file("server.pem"), key: file("server-key.pem"), ca: file("ca.pem") },
  });
  await etcd.put("key", "value");
  await using proxy = await FaultProxy.start(etcd.port);
  const client = new EtcdClient(
    {
      ...anonymous,
      endpoints: [proxy.endpoint],
      tls: {
        ca: file("ca.pem"),
        cert: file("client-cert.pem"),
        key: file("client-key.pem"),
        insecureSkipVerify: false,
      },
    },
    { tlsCheckIntervalMs: 0 },
  );
  const works = async () => assert.equal((await client.range(oneKey("key"))).pairs.length, 1);
  try {
    await works();
    await works();
    assert.equal(proxy.accepted, 1);
    await rotate("cert", next);
    await works();
    assert.equal(proxy.accepted, 1, "a certificate without its key is no use");
    await rotate("key", next);
    await works();
    assert.equal(proxy.accepted, 2);
    await works();
    assert.equal(proxy.accepted, 2);
  } finally {
    client.close();
    await rm(folder, { recursive: true });
  }
});

describe("EtcdClient with several endpoints", { concurrency: true }, () => {
  let etcd: TestEtcd;

  before(async () => {
    etcd = await TestEtcd.start();
    await etcd.put("key", "value");
  });
  after(async () => {
    await etcd[Symbol.asyncDispose]();
  });

  test("a read goes on at the next endpoint when one is gone", async () => {
    await using gone = await TestEtcd.prepare();
    const endpoints = [gone.endpoint, etcd.endpoint];
    assert.equal(await read({ ...anonymous, endpoints }), "value");
  });

  test("a watch moves over from an endpoint that fell silent", async () => {
    await using silent = await FaultProxy.start(etcd.port);
    await using watched = new Watched([silent.endpoint, etcd.endpoint]);
    await until("the first list", () => watched.listed !== undefined);
    silent.mode = "drop";
    const silentAt = performance.now();
    await etcd.put("traefik/key", "1");
    await until("the change", () => watched.state.get("traefik/key") === "1");
    assert.ok(performance.now() - silentAt < 8_000);
  });
});

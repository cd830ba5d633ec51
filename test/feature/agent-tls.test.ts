/** The agent's stream over mutual TLS. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ServerCredentials } from "@grpc/grpc-js";
import { CertificateAuthority } from "../support/certificates.ts";
import { entryPointResource, upserting } from "../support/entry-point-resource.ts";
import { FakeControlPlane } from "../support/fake-control-plane.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { serveFirst, TestAgent } from "../support/test-agent.ts";
import { until } from "../support/until.ts";

const first = upserting(entryPointResource("web"));

/** A control plane that wants certificates of `clients`, and files for a node that trusts `servers`. */
async function secured(
  clients: CertificateAuthority,
  servers: CertificateAuthority,
  bind = "127.0.0.1:0",
) {
  const directory = await mkdtemp(join(tmpdir(), "agent-tls-"));
  const own = servers.issue("control-plane");
  const controlPlane = await new FakeControlPlane().start(
    bind,
    ServerCredentials.createSsl(
      clients.cert,
      [{ cert_chain: own.cert, private_key: own.key }],
      true,
    ),
  );
  const tls = {
    caFile: join(directory, "ca.pem"),
    certFile: join(directory, "cert.pem"),
    keyFile: join(directory, "key.pem"),
  };
  const identify = async (authority: CertificateAuthority, name: string) => {
    const { cert, key } = authority.issue(name);
    await writeFile(tls.caFile, servers.cert);
    await writeFile(tls.certFile, cert);
    await writeFile(tls.keyFile, key);
  };
  return {
    controlPlane,
    tls,
    identify,
    async [Symbol.asyncDispose]() {
      controlPlane.stop();
      await rm(directory, { recursive: true });
    },
  };
}

test("Agent follows over mutual TLS, and uses a certificate replaced on disk with its next connection", async () => {
  const authority = new CertificateAuthority();
  await using run = await secured(authority, authority);
  const { controlPlane, tls } = run;
  const names: string[] = [];
  controlPlane.onStream = ({ call }) => {
    const subject = call.getAuthContext()?.sslPeerCertificate?.subject.CN;
    names.push(String(subject));
  };
  await run.identify(authority, "node-before");
  await using _node = await TestAgent.start({
    options: { controlPlanes: [controlPlane.address], tls },
  });
  const stream = await serveFirst(controlPlane, first);
  await run.identify(authority, "node-after");
  stream.call.end();
  await controlPlane.stream(1);
  assert.deepEqual(names, ["node-before", "node-after"]);
});

test("Agent with a certificate nobody trusts says so, and connects once it has another", async () => {
  const authority = new CertificateAuthority();
  await using run = await secured(authority, authority);
  const log = new RecordingLog();
  await run.identify(new CertificateAuthority("Another CA"), "stranger");
  await using _node = await TestAgent.start({
    options: { controlPlanes: [run.controlPlane.address], tls: run.tls },
    log,
  });
  await until("a warning", () => log.lines.some(({ level }) => level === "warn"));
  assert.equal(run.controlPlane.streams.length, 0);
  await run.identify(authority, "node");
  await serveFirst(run.controlPlane, first);
});

test("Agent does not talk to a control plane whose certificate it does not trust", async () => {
  const clients = new CertificateAuthority();
  await using run = await secured(clients, new CertificateAuthority("Another CA"));
  const log = new RecordingLog();
  await run.identify(clients, "node");
  await writeFile(run.tls.caFile, clients.cert);
  await using _node = await TestAgent.start({
    options: { controlPlanes: [run.controlPlane.address], tls: run.tls },
    log,
  });
  const warning = await until("a warning", () => log.lines.find(({ level }) => level === "warn"));
  assert.match(String(warning.fields["reason"]), /certificate/);
  assert.equal(run.controlPlane.streams.length, 0);
});

test("Agent names a certificate file that it cannot read, and goes on trying", async () => {
  const log = new RecordingLog();
  const missing = "/nonexistent/ca.pem";
  await using _node = await TestAgent.start({
    options: {
      controlPlanes: ["127.0.0.1:1"],
      tls: { caFile: missing, certFile: missing, keyFile: missing },
    },
    log,
  });
  const warning = await until("a warning", () => log.lines.find(({ level }) => level === "warn"));
  assert.equal(warning.fields["reason"], `Cannot read ${missing}: ENOENT`);
  await until("another attempt", () => log.lines.some(({ level }) => level === "debug"));
});

test("Agent connects by name as well as by address", async () => {
  const authority = new CertificateAuthority();
  await using run = await secured(authority, authority);
  await run.identify(authority, "node");
  const port = run.controlPlane.address.split(":")[1];
  await using _node = await TestAgent.start({
    options: { controlPlanes: [`localhost:${port}`], tls: run.tls },
  });
  await serveFirst(run.controlPlane, first);
});

test("Agent minds an address that is not in the control plane's certificate", async () => {
  const authority = new CertificateAuthority();
  await using run = await secured(authority, authority, "[::1]:0"); // it is for 127.0.0.1
  await run.identify(authority, "node");
  const log = new RecordingLog();
  const port = run.controlPlane.address.split(":")[1];
  await using _node = await TestAgent.start({
    options: { controlPlanes: [`[::1]:${port}`], tls: run.tls },
    log,
  });
  const warning = await until("a warning", () => log.lines.find(({ level }) => level === "warn"));
  assert.match(String(warning.fields["reason"]), /IP: ::1 is not in the cert's list/);
  assert.equal(run.controlPlane.streams.length, 0);
});

/** Where the stream listens and who may connect. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ChannelCredentials, credentials, type ServiceError } from "@grpc/grpc-js";
import { FleetService } from "../../control-plane/stream/fleet-service.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { FleetFixture } from "../support/fleet-fixture.ts";
import { routerResource } from "../support/resources.ts";
import { grpcDial, ScriptedDataPlane } from "../support/scripted-data-plane.ts";
import { until } from "../support/until.ts";

const resources = [routerResource("r1@etcd"), routerResource("r2@etcd")];

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "stream-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

async function endOf(node: ScriptedDataPlane): Promise<ServiceError> {
  return until("end of the stream", () => typeof node.ended === "object" && node.ended);
}

/** Connects with these credentials; gives what the node has, or how it was refused. */
async function attempt(fleet: FleetFixture, address: string, creds: ChannelCredentials) {
  const { dial, close } = grpcDial(address, creds);
  const node = new ScriptedDataPlane({ dial });
  try {
    node.connect();
    await until("state or refusal", () => node.generation !== undefined || node.ended);
    if (node.generation === undefined) return await endOf(node);
    await fleet.untilInSync(node);
    return node.state.size;
  } finally {
    node.disconnect();
    close();
  }
}

test("FleetService.listen() says that a port is in use", async () => {
  await using fleet = await FleetFixture.start({ resources });
  await assert.rejects(
    fleet.service.listen({ address: fleet.address, security: { kind: "insecure" } }),
    {
      name: "StreamBindError",
      message: `Cannot bind stream to ${fleet.address}: port is in use`,
    },
  );
});

test("FleetService.listen() says what is wrong with an address", async () => {
  await using fleet = await FleetFixture.start({ resources });
  using folder = temporaryFolder();
  const long = join(folder.path, "x".repeat(120));
  const failures = [
    ["192.0.2.1:0", "address is not of this machine"],
    ["nonsense", "it is no HOST:PORT"],
    ["127.0.0.1:port", "it is no HOST:PORT"],
    [`unix:${folder.path}/missing/stream`, "its folder does not exist"],
    [`unix:${long}`, "the path is too long for a socket"],
  ] as const;
  for (const [address, state] of failures) {
    await assert.rejects(fleet.service.listen({ address, security: { kind: "insecure" } }), {
      message: `Cannot bind stream to ${address}: ${state}`,
    });
  }
  assert.deepEqual(readdirSync(folder.path), []);
});

test("the stream listens on IPv6 where asked", async () => {
  await using fleet = await FleetFixture.start({ resources, address: "[::1]:0" });
  assert.match(fleet.address, /^\[::1\]:\d+$/);
  await fleet.untilInSync(fleet.node());
});

test("a Unix socket is the owner's only, replaces a dead one, and is removed", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "stream.sock");
  const dead = createServer().listen(path);
  await until("bound", () => dead.listening);
  writeFileSync(`${path}.other`, ""); // a neighbour that must stay
  {
    await using fleet = await FleetFixture.start({ resources, address: `unix:${path}` });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder.path).sort(), ["stream.sock", "stream.sock.other"]);
    assert.equal(fleet.address, `unix:${path}`);
    await fleet.untilInSync(fleet.node());
  }
  assert.deepEqual(readdirSync(folder.path), ["stream.sock.other"]);
  dead.close();
});

test("over mTLS only a certificate of the client CA is let in", async () => {
  const [serverCa, clientCa, otherCa] = [
    new CertificateAuthority("Server CA"),
    new CertificateAuthority("Client CA"),
    new CertificateAuthority("Client CA"), // the same name, another key
  ];
  await using fleet = await FleetFixture.start({ resources });
  await fleet.service.listen({
    address: "127.0.0.1:0",
    security: { kind: "mtls", ...serverCa.issue("control-plane"), clientCa: clientCa.cert },
  });
  // Node refuses an IP address as TLS server name, and grpc-js gives it what was dialled.
  const address = fleet.service.addresses[1]!.replace("127.0.0.1", "localhost");
  const { cert, key } = clientCa.issue("node", ["spiffe://example.test/group/edge"]);
  assert.equal(await attempt(fleet, address, credentials.createSsl(serverCa.cert, key, cert)), 2);

  const forged = otherCa.issue("node");
  const refused = [
    credentials.createSsl(serverCa.cert), // no certificate
    credentials.createSsl(serverCa.cert, forged.key, forged.cert), // of another CA
    credentials.createSsl(otherCa.cert, key, cert), // the node does not trust the control plane
    credentials.createInsecure(),
  ];
  for (const [index, creds] of refused.entries()) {
    const end = await attempt(fleet, address, creds);
    assert.equal(typeof end === "object" && end.code, 14, `attempt ${index}`);
  }
  assert.deepEqual(fleet.service.status.nodes(), []);
});

test("FleetService.stop() may be called at any time, any number of times", async () => {
  await using fleet = await FleetFixture.start({ resources });
  const idle = new FleetService({
    controlPlaneId: "idle",
    committed: fleet.publisher.committed,
    sourceOf: () => undefined,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  await Promise.all([idle.stop(), idle.stop()]);
  await Promise.all([fleet.service.stop(), fleet.service.stop()]);
});

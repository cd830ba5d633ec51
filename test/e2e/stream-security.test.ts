/** The stream between processes: mutual TLS by default, and never open by accident. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CertificateAuthority } from "../support/certificates.ts";
import { Origin, served } from "../support/fleet.ts";
import { freePort, Program, runProgram } from "../support/program.ts";

test("a data plane with a certificate of the CA follows, one without is refused", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-stream-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = (name: string) => join(directory, name);
  const authority = new CertificateAuthority("fleet");
  const stranger = new CertificateAuthority("stranger");
  const files: Record<string, string | Buffer> = { "ca.pem": authority.cert };
  for (const [name, issuer] of [
    ["server", authority],
    ["node", authority],
    ["intruder", stranger],
  ] as const) {
    const { cert, key } = issuer.issue(name);
    files[`${name}.pem`] = cert;
    files[`${name}-key.pem`] = key;
  }
  await using origin = await Origin.start("hello");
  files["routes.yml"] = `http:
  routers: { all: { rule: "PathPrefix(\`/\`)", service: s } }
  services: { s: { loadBalancer: { servers: [ { url: "${origin.url}" } ] } } }
`;
  for (const [name, text] of Object.entries(files)) await writeFile(path(name), text);
  const [stream, web] = [await freePort(), await freePort()];
  await using controlPlane = new Program([
    "control-plane",
    `--state-dir=${path("control-plane")}`,
    `--fleet.stream.address=127.0.0.1:${stream}`,
    `--fleet.stream.tls.cert=${path("server.pem")}`,
    `--fleet.stream.tls.key=${path("server-key.pem")}`,
    `--fleet.stream.tls.clientCA=${path("ca.pem")}`,
    "--fleet.admin.address=127.0.0.1:0",
    `--providers.file.filename=${path("routes.yml")}`,
    `--entryPoints.web.address=127.0.0.1:${web}`,
  ]);
  await controlPlane.address("stream");
  const dataPlane = (name: string, ...flags: string[]) =>
    new Program([
      "data-plane",
      `--control-plane=127.0.0.1:${stream}`,
      `--state-dir=${path(`state-${name}`)}`,
      "--admin=127.0.0.1:0",
      "--workers=1",
      ...flags,
    ]);
  const withCertificate = (name: string) => [
    `--tls-ca=${path("ca.pem")}`,
    `--tls-cert=${path(`${name}.pem`)}`,
    `--tls-key=${path(`${name}-key.pem`)}`,
  ];

  for (const refused of [
    dataPlane("plain", "--insecure"),
    dataPlane("intruder", ...withCertificate("intruder")),
  ]) {
    await using program = refused;
    await program.log(({ level, msg }) => level >= 40 && msg.includes("no stream"));
    assert.ok(!program.lines.some(({ msg }) => msg === "connected to the control plane"));
  }
  await using node = dataPlane("node", ...withCertificate("node"));
  await served(`127.0.0.1:${web}`, "hello");
  assert.ok(node.lines.some(({ msg }) => msg === "connected to the control plane"));
});

test("a TCP stream without TLS is not opened unless the configuration says so", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-stream-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { code, stderr } = await runProgram([
    "control-plane",
    `--state-dir=${directory}`,
    "--fleet.stream.address=127.0.0.1:0",
    "--fleet.admin.address=127.0.0.1:0",
  ]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^switchyard: The stream needs fleet\.stream\.tls\.cert, \.key and \.clientCA/,
  );
});

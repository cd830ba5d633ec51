/** TLS of TCP routers from an operator's document to the sockets of a worker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { CertificateAuthority } from "../support/certificates.ts";
import { entryPoint } from "../support/dynamic-config.ts";
import { DynamicPipeline } from "../support/dynamic-pipeline.ts";
import { TcpBackend } from "../support/tcp-backend.ts";
import { TrafficWorkerThread } from "../support/traffic-worker.ts";

const authority = new CertificateAuthority();
const names = ["db.test", "gone.test", "plain.test"];
const certificate = authority.issue("database", [], names);

interface Answer {
  readonly version: string | null;
  readonly text: string;
}

function ask(port: number, options: ConnectionOptions): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", ca: authority.cert, ...options });
    let answer: Answer = { version: null, text: "" };
    socket.on("secureConnect", () => {
      answer = { ...answer, version: socket.getProtocol() };
      socket.end("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    });
    socket.on("data", (chunk: Buffer) => {
      answer = { ...answer, text: answer.text + String(chunk) };
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

test("what a document says of TCP over TLS is what connections get", async () => {
  await using backend = await TcpBackend.start((socket) => socket.end("database"));
  await using worker = await TrafficWorkerThread.start();
  const port = await worker.listen();
  const pipeline = new DynamicPipeline(["file"], { web: entryPoint(80) });
  const routers = {
    old: { rule: "HostSNI(`db.test`) && ALPN(`old`)", service: "db", tls: { options: "old" } },
    new: { rule: "HostSNI(`db.test`)", service: "db", tls: { options: "new" } },
    gone: { rule: "HostSNI(`gone.test`)", service: "db", tls: { options: "gone" } },
    plain: { rule: "HostSNI(`plain.test`)", service: "db" },
    pass: {
      rule: "HostSNI(`pass.test`)",
      service: "db",
      tls: { passthrough: true, options: "gone" },
    },
  };
  const tls = {
    certificates: [{ certFile: String(certificate.cert), keyFile: String(certificate.key) }],
    options: {
      old: { maxVersion: "VersionTLS12", alpnProtocols: ["old"] },
      new: { minVersion: "VersionTLS13" },
    },
  };
  const services = {
    db: { loadBalancer: { servers: [{ address: `127.0.0.1:${backend.port}` }] } },
  };
  pipeline.feed("file", { tcp: { routers, services }, tls });
  assert.deepEqual(await worker.apply([...pipeline.resources.values()], { full: true }), []);

  const both = await ask(port, { servername: "db.test", ALPNProtocols: ["old"] });
  assert.deepEqual(both, { version: "TLSv1.2", text: "database" });
  const newer = await ask(port, { servername: "db.test" });
  assert.deepEqual(newer, { version: "TLSv1.3", text: "database" });
  const refused = await ask(port, { servername: "db.test", maxVersion: "TLSv1.2" });
  assert.deepEqual(refused, { version: null, text: "" });
  assert.deepEqual(pipeline.saidOf("tcpRouter", "old@file"), [], "one host, options of their own");

  for (const name of ["gone", "plain"]) {
    const { text } = await ask(port, { servername: `${name}.test` });
    assert.match(text, /^HTTP\/1\.1 404 /, "such a router serves nobody");
  }
  assert.deepEqual(pipeline.broken, ["tcpRouter:gone@file", "tcpRouter:plain@file"]);
  assert.match(
    pipeline.saidOf("tcpRouter", "gone@file")[0]?.message ?? "",
    /TLS options "gone@file" do not exist$/,
  );
  await ask(port, { servername: "pass.test" });
  assert.equal(backend.lastHeard[0], 0x16, "its server hears the ClientHello");

  pipeline.feed("file", {
    tcp: { routers, services },
    tls: { ...tls, options: { ...tls.options, gone: { sniStrict: true } } },
  });
  await worker.apply([...pipeline.resources.values()], { full: true });
  assert.equal((await ask(port, { servername: "gone.test" })).text, "database");
});

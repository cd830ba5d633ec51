/** Traefik's order of connection handling on one entry point, at the sockets of a real worker. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import { sslRequest } from "../../data-plane/tcp/postgres-request.ts";
import { TlsOptions, TlsVersion } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { clientHello, inRecordsOf } from "../support/client-hello.ts";
import {
  bodyResource,
  routerOf,
  serviceOf,
  tcpRouterOf,
  tcpServiceOf,
  webEntryPoint,
} from "../support/data-plane-resources.ts";
import { RawClient } from "../support/raw-client.ts";
import { TcpBackend } from "../support/tcp-backend.ts";
import { TrafficWorkerThread } from "../support/traffic-worker.ts";
import { until } from "../support/until.ts";
import { vectors } from "../support/vectors.ts";

interface Check {
  readonly client: "tcp" | "tls" | "http" | "https" | "raw";
  readonly serverName?: string;
  readonly host?: string;
  readonly sendsFirst?: boolean;
  readonly alpn?: readonly string[];
  readonly expect: string;
  readonly succeeds: boolean;
}

interface RoutingVector {
  readonly source: string;
  readonly routers?: readonly {
    readonly kind: "tcp" | "http" | "https";
    readonly rule: string;
    readonly tls?: { readonly options?: string; readonly passthrough?: boolean };
  }[];
  readonly checks: readonly Check[];
}

/** The challenge of ACME, of which there is no resolver: a connection that offers it is like any other. */
const notApplying: ReadonlySet<string> = new Set([
  "pkg/server/router/tcp/router_test.go:Test_Routing#L223",
]);

/** OpenSSL has no TLS 1.0 by default: 1.3 stands for it. What counts is that the two differ. */
const versions = { tls10: TlsVersion.TLS_VERSION_1_3, tls12: TlsVersion.TLS_VERSION_1_2 } as const;

let backend: TcpBackend;
let origin: Server;
let worker: TrafficWorkerThread;
let port = 0;

before(async () => {
  backend = await TcpBackend.start((socket) => {
    socket.write("greeting");
    socket.on("end", () => socket.end());
  });
  origin = createServer((_request, response) => response.end("the HTTP handler"));
  origin.listen(0, "127.0.0.1");
  await once(origin, "listening");
  worker = await TrafficWorkerThread.start();
  port = await worker.listen();
});

after(async () => {
  await worker[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
  origin.closeAllConnections();
  origin.close();
});

function resourcesOf({ routers = [] }: RoutingVector): readonly Resource[] {
  const optionsOf = (name: string, version: TlsVersion) =>
    bodyResource(name, {
      $case: "tlsOptions",
      value: TlsOptions.create({ minVersion: version, maxVersion: version }),
    });
  const bound = routers.map(({ kind, rule, tls }, index) => {
    const name = `r${index}@file`;
    const options = tls?.options === undefined ? "default" : `${tls.options}@file`;
    // The control plane gives the default options where a rule names no host.
    const defaultTlsOn = kind === "https" && !rule.includes("Host(") ? ["web"] : [];
    if (kind !== "tcp") return routerOf(name, { rule, defaultTlsOn, ...(tls && { tls: options }) });
    return tcpRouterOf(name, { rule, service: "tcp", ...(tls && { tls: { ...tls, options } }) });
  });
  return [
    webEntryPoint("web", { readTimeoutMs: 500 }),
    optionsOf("default@file", versions.tls10),
    optionsOf("tls10@file", versions.tls10),
    optionsOf("tls12@file", versions.tls12),
    serviceOf("app", [(origin.address() as AddressInfo).port]),
    tcpServiceOf("tcp", [backend.port]),
    ...bound,
  ];
}

const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

/** What comes over a TLS connection of that version, after `text` has been said. */
function askTls(check: Check, text: string): Promise<string> {
  const version = check.expect.includes("1.0") ? "TLSv1.3" : "TLSv1.2";
  return new Promise((resolve) => {
    const { serverName: servername = "", alpn: ALPNProtocols } = check;
    const socket = connect({
      port,
      host: "127.0.0.1",
      servername,
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
      ...(ALPNProtocols && { ALPNProtocols: [...ALPNProtocols] }),
    });
    let heard = "";
    socket.on("secureConnect", () => socket.write(text));
    socket.on("data", (chunk: Buffer) => {
      heard += String(chunk);
      if (heard === "greeting") socket.end();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(heard));
  });
}

async function askPlain(text: string): Promise<string> {
  using client = await RawClient.connect(port);
  client.send(text);
  await until("a greeting or the end", () => client.received === "greeting" || client.isEnded);
  return client.received;
}

async function outcome(check: Check): Promise<string> {
  switch (check.client) {
    case "tls":
      return askTls(check, "");
    case "https":
      return askTls(check, get(check.serverName ?? ""));
    case "http":
      return askPlain(get(check.host ?? ""));
    case "tcp":
      return askPlain(check.sendsFirst === true ? "client first" : "");
    case "raw":
      throw new Error("raw clients have tests of their own");
  }
}

function isExpected({ client, expect }: Check, heard: string): boolean {
  const isHttp = client === "http" || client === "https";
  const wanted = isHttp ? /^HTTP\/1\.1 200 [\s\S]*the HTTP handler$/ : /^greeting$/;
  assert.match(expect, isHttp ? /HTTPS? handler/ : /TCP service|handshake/);
  return wanted.test(heard);
}

const all = vectors<RoutingVector>("tcp-routing");
const matrix = all.filter(({ source }) => source.includes("Test_Routing"));
assert.equal(matrix.length, 8);
for (const vector of matrix) {
  const skip = notApplying.has(vector.source) && "ACME is not built";
  test(`routing: ${vector.source}`, { skip }, async () => {
    assert.deepEqual(await worker.apply(resourcesOf(vector), { full: true }), []);
    const outcomes = await Promise.all(vector.checks.map(outcome));
    for (const [index, check] of vector.checks.entries()) {
      const heard = outcomes[index] ?? "";
      assert.equal(isExpected(check, heard), check.succeeds, `${JSON.stringify(check)}: ${heard}`);
    }
  });
}

test("Test_clientHelloInfo_tlsRecordFragmentation: the name is found in a hello of many records", async () => {
  const routers = [{ kind: "tcp", rule: "HostSNI(`foo.example.com`)", tls: { passthrough: true } }];
  const resources = resourcesOf({ source: "", routers, checks: [] } as RoutingVector);
  await worker.apply(resources, { full: true });
  const hello = inRecordsOf(20, await clientHello({ servername: "foo.example.com" }));
  assert.equal(await askPlain(hello.toString("latin1")), "greeting");
});

test("TestPostgresTLSPassthrough: the server is asked first, and answers before TLS bytes flow", async () => {
  await using postgres = await TcpBackend.start((socket) => {
    socket.once("data", () => socket.write("S"));
    socket.on("end", () => socket.end());
  });
  const routers = [{ kind: "tcp", rule: "HostSNI(`test.localhost`)", tls: { passthrough: true } }];
  const resources = resourcesOf({ source: "", routers, checks: [] } as RoutingVector);
  const service = tcpServiceOf("tcp", [postgres.port]);
  await worker.apply([...resources, service], { full: true });
  const [check] = all.find(({ source }) => source.includes("Postgres"))?.checks ?? [];
  assert.equal((check as { bytesHex?: string } | undefined)?.bytesHex, sslRequest.toString("hex"));
  const hello = await clientHello({ servername: "test.localhost" });
  using client = await RawClient.connect(port);
  client.send(sslRequest.toString("latin1"));
  await client.hears(/^S$/);
  client.socket.end(hello);
  assert.equal(await client.hearsEnd(), "S");
  assert.deepEqual(postgres.lastHeard, Buffer.concat([sslRequest, hello]));
});

/** Static files of Traefik v3 as operators write them: each starts, serves what is built, and says what is not. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { CertificateAuthority } from "../support/certificates.ts";
import { get, Origin, served } from "../support/fleet.ts";
import { eventually, type Program } from "../support/program.ts";
import { complaints, placeStaticFile, type StaticFile, startWith } from "../support/static-file.ts";
import { UdpPeer } from "../support/udp-peer.ts";

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "switchyard-static-files-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The static file and, beside it, `routes` of the given name. */
async function placed(
  t: TestContext,
  name: string,
  routesName: string,
  routes: string,
): Promise<{ readonly directory: string; readonly file: StaticFile }> {
  const directory = await directoryOf(t);
  const routesFile = join(directory, routesName);
  await mkdir(dirname(routesFile), { recursive: true });
  await writeFile(routesFile, routes);
  return { directory, file: await placeStaticFile(name, directory) };
}

async function endsWell(program: Program): Promise<void> {
  program.kill("SIGTERM");
  assert.deepEqual(await program.exited, { code: 0, signal: null });
  assert.equal(program.stderr, "");
}

/** A GET, with what `get` does not show. */
async function ask(address: string, path: string, headers: Readonly<Record<string, string>> = {}) {
  const [hostname, port] = address.split(":");
  const outgoing = request({ hostname, port, path, agent: false, headers });
  outgoing.end();
  const [response]: IncomingMessage[] = await once(outgoing, "response");
  assert.ok(response !== undefined);
  const body = (await response.setEncoding("utf8").toArray()).join("");
  return { status: response.statusCode, location: response.headers.location, body };
}

/** What a server says that speaks first and closes. */
async function firstWords(address: string): Promise<string> {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host).setEncoding("utf8");
  return (await socket.toArray()).join("");
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

test("file-provider.toml serves the routes of its folder, without a complaint", async (t) => {
  await using origin = await Origin.start("hello");
  const { directory, file } = await placed(
    t,
    "file-provider.toml",
    "conf.d/shop.toml",
    `
[http.routers.shop]
  rule = "Host(\`shop.example\`)"
  service = "shop"
[[http.services.shop.loadBalancer.servers]]
  url = "${origin.url}"
`,
  );
  await using program = startWith(file, directory);
  await served(file.addressOf(80), "hello", { host: "shop.example" });
  assert.equal((await get(file.addressOf(80))).status, 404);
  await endsWell(program);
  assert.deepEqual(complaints(program, directory), []);
});

/** A GET over TLS for a server name; the answer, and what was agreed on. */
async function askTls(address: string, serverName: string, ca: Buffer) {
  const [host, port] = address.split(":");
  const socket = connectTls({ host, port: Number(port), servername: serverName, ca });
  socket.end(`GET / HTTP/1.1\r\nHost: ${serverName}\r\nConnection: close\r\n\r\n`);
  const protocol = once(socket, "secureConnect").then(() => socket.getProtocol());
  const text = (await socket.setEncoding("utf8").toArray()).join("");
  return { protocol: await protocol, status: text.slice(9, 12), body: text.split("\r\n\r\n")[1] };
}

test("tls.toml redirects to HTTPS and serves there, with a certificate of its own", async (t) => {
  await using origin = await Origin.start("secret");
  const authority = new CertificateAuthority();
  const { cert, key } = authority.issue("shop", [], ["*.shop.example", "shop.example"]);
  const { directory, file } = await placed(
    t,
    "tls.toml",
    "dynamic.toml",
    `
[http.routers.shop]
  rule = "Host(\`shop.example\`)"
  entryPoints = ["websecure"]
  service = "shop"
[http.routers.everywhere]
  rule = "Host(\`shop.example\`)"
  service = "shop"
[[http.services.shop.loadBalancer.servers]]
  url = "${origin.url}"
[tls.options.modern]
  minVersion = "VersionTLS13"
[[tls.certificates]]
  certFile = '''
${cert.toString()}'''
  keyFile = '''
${key.toString()}'''
`,
  );
  await using program = startWith(file, directory);
  await program.address("entryPoint", "web");
  const port = file.addressOf(443).split(":")[1];
  await eventually(async () => {
    const { status, location } = await ask(file.addressOf(80), "/a?b=c", { Host: "shop.example" });
    assert.deepEqual([status, location], [301, `https://shop.example:${port}/a?b=c`]);
  });
  assert.deepEqual(await askTls(file.addressOf(443), "shop.example", authority.cert), {
    protocol: "TLSv1.3",
    status: "200",
    body: "secret",
  });
  // Nobody is served in plain text what is to be encrypted.
  assert.equal((await get(file.addressOf(443), { host: "shop.example" })).status, 404);
  await endsWell(program);
  assert.deepEqual(complaints(program, directory), [
    "tls.toml:13:7: entryPoints.websecure.http.tls.certResolver is not supported yet",
    "tls.toml:15:7: entryPoints.websecure.http.tls.domains is not supported yet",
    "tls.toml:19:1: certificatesResolvers is not supported yet",
  ]);
});

test("entry-points.toml serves each entry point its own way", async (t) => {
  const app = createServer((incoming, response) => {
    const { "x-from": from, x_snake: snake, "x-forwarded-for": forwardedFor } = incoming.headers;
    response.end(JSON.stringify({ from, snake, forwardedFor }));
  }).listen(0, "127.0.0.1");
  const database = createTcpServer((socket) => socket.end("ready")).listen(0, "127.0.0.1");
  await Promise.all([once(app, "listening"), once(database, "listening")]);
  t.after(() => {
    app.close();
    app.closeAllConnections();
    database.close();
  });
  await using names = await UdpPeer.named("resolver");
  const { directory, file } = await placed(
    t,
    "entry-points.toml",
    "dynamic.toml",
    `
[http.routers.public]
  rule = "PathPrefix(\`/\`)"
  service = "app"
[http.routers.partners]
  rule = "PathPrefix(\`/\`)"
  entryPoints = ["partners", "balanced"]
  service = "app"
[http.middlewares.mark.headers.customRequestHeaders]
  X-From = "partner"
[[http.services.app.loadBalancer.servers]]
  url = "http://127.0.0.1:${portOf(app)}"
[tcp.routers.database]
  rule = "HostSNI(\`*\`)"
  entryPoints = ["database"]
  service = "database"
[[tcp.services.database.loadBalancer.servers]]
  address = "127.0.0.1:${portOf(database)}"
[udp.routers.names]
  service = "names"
[[udp.services.names.loadBalancer.servers]]
  address = "127.0.0.1:${names.port}"
`,
  );
  await using program = startWith(file, directory);
  const headers = { X_Snake: "s", "X-Forwarded-For": "192.0.2.1" };
  const answer = async (port: number) => {
    const { body } = await ask(file.addressOf(port), "/", headers);
    return JSON.parse(body);
  };
  await program.address("entryPoint", "public");
  await eventually(async () => {
    assert.deepEqual(await answer(80), { snake: "s", forwardedFor: "127.0.0.1" });
  });
  assert.deepEqual(await answer(8000), { from: "partner", forwardedFor: "192.0.2.1, 127.0.0.1" });
  assert.equal((await ask(file.addressOf(80), "/a%2Fb")).status, 200);
  assert.equal((await ask(file.addressOf(8000), "/a%2Fb")).status, 400);
  assert.equal(await firstWords(file.addressOf(5432)), "ready");
  await using client = await UdpPeer.start();
  assert.equal(await client.ask("x", Number(file.addressOf(53).split(":")[1])), "resolver:x");
  // Without the PROXY protocol every client would be the balancer.
  await assert.rejects(get(file.addressOf(8443)), { code: "ECONNREFUSED" });
  await endsWell(program);
  assert.deepEqual(complaints(program, directory), [
    "entry-points.toml:18:5: entryPoints.public.observability is not supported yet",
    "entry-points.toml:23:5: entryPoints.partners.reusePort is not supported yet",
    'entryPoints.balanced: Cannot use entry point "balanced": "proxyProtocol" is not supported yet',
    'dynamic.toml:7:3: Cannot use entry point "balanced" for router "partners@file": it does not exist',
  ]);
});

test("everything.toml starts with what is built of it, and names all the rest", async (t) => {
  await using origin = await Origin.start("app");
  const { directory, file } = await placed(
    t,
    "everything.toml",
    "conf.d/app.yml",
    `
http:
  routers:
    app: { rule: "Host(\`app.example\`)", service: app, entryPoints: [web], priority: 11 }
  services:
    app: { loadBalancer: { servers: [{ url: "${origin.url}" }] } }
`,
  );
  await using program = startWith(file, directory);
  await served(file.addressOf(80), "app", { host: "app.example" });
  const secure = file.addressOf(443).replace("127.0.0.1", "other.example");
  const { status, location } = await ask(file.addressOf(80), "/", { Host: "other.example" });
  assert.deepEqual([status, location], [301, `https://${secure}/`]);
  assert.equal((await get(file.addressOf(8080), { path: "/ping" })).status, 404);
  await endsWell(program);
  assert.deepEqual(complaints(program, directory), [
    'everything.toml:19:7: entryPoints.websecure.http.middlewares names "secure-headers" without provider: each router looks for it in its own (write "secure-headers@file" for the one of the file provider)',
    "everything.toml:21:5: entryPoints.websecure.http3 is not supported yet",
    "everything.toml:27:1: api is not supported yet",
    "everything.toml:31:1: ping is not supported yet",
    "everything.toml:34:1: metrics is not supported yet",
    "everything.toml:42:3: log.filePath is not supported yet",
    "everything.toml:43:3: log.maxSize is not supported yet",
    "everything.toml:45:1: accessLog is not supported yet",
    "everything.toml:60:1: tracing is not supported yet",
    "everything.toml:67:1: hostResolver is not supported yet",
    "everything.toml:71:3: serversTransport.insecureSkipVerify is not supported yet",
    "everything.toml:72:3: serversTransport.rootCAs is not supported yet",
    "everything.toml:75:1: certificatesResolvers is not supported yet",
    "everything.toml:89:3: providers.docker is not supported yet",
    "everything.toml:94:3: providers.kubernetesCRD is not supported yet",
    "everything.toml:98:3: providers.kubernetesIngress is not supported yet",
    "everything.toml:101:1: experimental is not supported yet",
  ]);
});

/** TCP routers with TLS at the sockets of a real worker: who gets a connection, and what arrives there. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect as connectPlain, type Socket } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { type ConnectionOptions, connect, createServer as createTlsServer } from "node:tls";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import { sslRequest } from "../../data-plane/tcp/postgres-request.ts";
import {
  ClientAuth,
  TlsOptions,
  TlsVersion,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { type Certificate, CertificateAuthority } from "../support/certificates.ts";
import { clientHello, inRecordsOf } from "../support/client-hello.ts";
import {
  bodyResource,
  keyOf,
  routerOf,
  serviceOf,
  tcpRouterOf,
  tcpServiceOf,
  webEntryPoint,
} from "../support/data-plane-resources.ts";
import { RawClient } from "../support/raw-client.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { TcpBackend } from "../support/tcp-backend.ts";
import { TrafficWorkerThread } from "../support/traffic-worker.ts";
import { until } from "../support/until.ts";

const authority = new CertificateAuthority();
const wildcard = authority.issue("wildcard", [], ["*.test"]);
const database = authority.issue("database", [], ["db.test"]);
const known = authority.issue("client");
const unknown = new CertificateAuthority("Strangers").issue("stranger");

const certificateOf = (name: string, { cert, key }: Certificate): Resource =>
  bodyResource(name, {
    $case: "tlsCertificate",
    value: { certPem: String(cert), keyPem: String(key), stores: [] },
  });

const optionsOf = (name: string, fields: Partial<TlsOptions> = {}): Resource =>
  bodyResource(name, { $case: "tlsOptions", value: TlsOptions.create(fields) });

let origin: Server;
/** Says its name, then what it hears. */
const backends = new Map<string, TcpBackend>();
let worker: TrafficWorkerThread;
let port = 0;

before(async () => {
  origin = createServer((_request, response) => response.end("http"));
  origin.listen(0, "127.0.0.1");
  await once(origin, "listening");
  for (const name of ["a", "b"]) {
    const backend = await TcpBackend.start((socket) => {
      socket.write(`${name}:`);
      socket.on("data", (chunk: Buffer) => socket.write(chunk));
      socket.on("end", () => socket.end());
    });
    backends.set(name, backend);
  }
  worker = await TrafficWorkerThread.start();
  port = await worker.listen();
});

beforeEach(async () => {
  await until("all connections are gone", () => worker.openConnections === 0);
});

after(async () => {
  await worker[Symbol.asyncDispose]();
  for (const backend of backends.values()) await backend[Symbol.asyncDispose]();
  origin.closeAllConnections();
  origin.close();
});

const never = { terminationDelayMs: -1, dialTimeoutMs: 30_000, dialKeepAliveMs: 15_000 };
const node = bodyResource("node", {
  $case: "nodeSettings",
  value: { httpTransport: undefined, tcpTransport: never },
});

async function serve(...resources: readonly Resource[]): Promise<void> {
  const hasEntryPoint = resources.some(({ name }) => name === "web");
  const services = [...backends].map(([name, backend]) => tcpServiceOf(name, [backend.port]));
  const app = serviceOf("app", [(origin.address() as AddressInfo).port]);
  const certificates = [certificateOf("1", wildcard), certificateOf("2", database)];
  const all = [node, app, ...services, ...certificates, ...resources];
  if (!hasEntryPoint) all.push(webEntryPoint());
  assert.deepEqual(await worker.apply(all, { full: true }), []);
}

interface Answer {
  /** Of the server's certificate; "" when the handshake failed. */
  readonly subject: string;
  readonly alpn: string | false | null;
  readonly text: string;
}

/** Says `text` over a TLS connection of its own and ends; resolves with what came until the end. */
function ask(options: ConnectionOptions = {}, text = "hi", wrap?: Socket): Promise<Answer> {
  return new Promise((resolve) => {
    const to = wrap === undefined ? { port, host: "127.0.0.1" } : { socket: wrap };
    const socket = connect({ ...to, rejectUnauthorized: false, ...options });
    let answer: Answer = { subject: "", alpn: null, text: "" };
    const chunks: Buffer[] = [];
    socket.on("secureConnect", () => {
      const subject = String(socket.getPeerCertificate().subject?.CN ?? "");
      answer = { ...answer, subject, alpn: socket.alpnProtocol };
      socket.end(text);
    });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => resolve({ ...answer, text: String(Buffer.concat(chunks)) }));
  });
}

async function textFor(servername: string, options: ConnectionOptions = {}): Promise<string> {
  const request = "GET / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n";
  const { text } = await ask({ ...(servername && { servername }), ...options }, request);
  return text.startsWith("HTTP/1.1 ") ? text.slice(9, 12) : text.slice(0, 2);
}

test("a TCP router with TLS gets what its server name asks for, with its options and certificate", async () => {
  await serve(
    tcpRouterOf("db@file", { rule: "HostSNI(`db.test`)", service: "a", tls: {} }),
    tcpRouterOf("old@file", {
      rule: "HostSNI(`old.test`)",
      service: "b",
      tls: { options: "old@file" },
    }),
    optionsOf("old@file", { maxVersion: TlsVersion.TLS_VERSION_1_2 }),
  );
  const answer = await ask({ servername: "db.test", ca: authority.cert });
  assert.deepEqual(answer, { subject: "database", alpn: false, text: "a:hi" });
  const old = await ask({ servername: "OLD.test", maxVersion: "TLSv1.2" });
  assert.deepEqual(old, { subject: "wildcard", alpn: false, text: "b:hi" });
  assert.equal((await ask({ servername: "old.test", minVersion: "TLSv1.3" })).text, "");
  assert.equal(await textFor("other.test"), "404", "the rest is HTTP's");
  assert.match(await RawClient.exchange(port, "GET / HTTP/1.0\r\n\r\n"), /404/);
});

for (const [name, routers, expected] of [
  ["HTTPS for the name first", ["https-db", "https-any", "tcp-db", "tcp-any"], "200"],
  ["then TCP for the name", ["https-any", "tcp-db", "tcp-any"], "a:"],
  ["then HTTPS for any name", ["https-any", "tcp-any"], "200"],
  ["then TCP for any name", ["https-other", "tcp-any"], "b:"],
  ["then HTTPS with 404", ["https-other", "tcp-other"], "404"],
  [
    "TCP for any name with a condition counts as specific",
    ["https-any", "tcp-local", "tcp-any"],
    "a:",
  ],
  ["a TCP catch-all put first stays a catch-all", ["https-any", "tcp-first", "tcp-db"], "200"],
] as const) {
  test(`order of TLS routers: ${name}`, async () => {
    const tls = {};
    const all: Readonly<Record<string, Resource>> = {
      "https-db": routerOf("https-db@file", {
        rule: "Host(`db.test`) || Host(`x.test`)",
        tls: "default",
      }),
      "https-any": routerOf("https-any@file", { rule: "PathPrefix(`/`)", tls: "default" }),
      "https-other": routerOf("https-other@file", { rule: "Host(`y.test`)", tls: "default" }),
      "tcp-db": tcpRouterOf("tcp-db@file", { rule: "HostSNI(`db.test`)", service: "a", tls }),
      "tcp-other": tcpRouterOf("tcp-other@file", { rule: "HostSNI(`y.test`)", service: "a", tls }),
      "tcp-any": tcpRouterOf("tcp-any@file", { service: "b", tls }),
      "tcp-first": tcpRouterOf("tcp-any@file", { service: "b", priority: 1_000n, tls }),
      "tcp-local": tcpRouterOf("tcp-local@file", {
        rule: "HostSNI(`*`) && ClientIP(`127.0.0.0/8`)",
        service: "a",
        tls,
      }),
    };
    await serve(...routers.map((router) => all[router]).filter((router) => router !== undefined));
    assert.equal(await textFor("db.test"), expected);
  });
}

test("protocols offered choose a router, and are agreed to", async () => {
  await serve(
    tcpRouterOf("mqtt@file", {
      rule: "HostSNI(`db.test`) && ALPN(`mqtt`)",
      service: "a",
      tls: {},
    }),
    tcpRouterOf("rest@file", { rule: "HostSNI(`db.test`)", service: "b", tls: {} }),
  );
  const offering = async (...ALPNProtocols: string[]) => {
    const { alpn, text } = await ask({ servername: "db.test", ALPNProtocols });
    return [alpn, text];
  };
  assert.deepEqual(await offering("x", "mqtt", "h2"), ["mqtt", "a:hi"]);
  assert.deepEqual(await offering("http/1.1", "h2"), ["h2", "b:hi"]);
  assert.deepEqual(await offering("x"), [null, ""], "nothing in common");
  await worker.apply([optionsOf("default@file", { alpnProtocols: ["x", "h2"] })]);
  assert.deepEqual(await offering("h2", "x"), ["x", "b:hi"]);
  assert.deepEqual(await offering("mqtt"), [null, ""], "options that list protocols list all");
  const rejected = await worker.apply([optionsOf("bad@file", { alpnProtocols: [""] })]);
  assert.deepEqual(
    rejected.map(({ reason }) => reason),
    ["a protocol's name has no possible length"],
  );
});

test("HTTP agrees to the protocols its options list, and to HTTP/2 and HTTP/1.1 where they list none", async () => {
  const alpnOf = async (configured: string[], ...ALPNProtocols: string[]) => {
    await serve(
      routerOf("https@file", { rule: "Host(`db.test`)", tls: "default" }),
      optionsOf("default@file", { alpnProtocols: configured }),
    );
    const request = "GET / HTTP/1.1\r\nHost: db.test\r\nConnection: close\r\n\r\n";
    const { alpn, text } = await ask({ servername: "db.test", ALPNProtocols }, request);
    return [alpn, text.slice(9, 12)];
  };
  assert.equal((await alpnOf([], "h2", "http/1.1"))[0], "h2");
  assert.deepEqual(await alpnOf([], "http/1.1"), ["http/1.1", "200"]);
  assert.deepEqual(await alpnOf(["http/1.1"], "h2", "http/1.1"), ["http/1.1", "200"]);
  assert.deepEqual(await alpnOf(["h2", "x"], "http/1.1"), [null, ""]);
});

test("passthrough: the server gets every byte as it was sent, however it was cut", async () => {
  await serve(
    tcpRouterOf("pass@file", {
      rule: "HostSNI(`db.test`)",
      service: "a",
      tls: { passthrough: true, options: "gone@file" },
    }),
    tcpRouterOf("plain@file", { service: "b" }),
  );
  const backend = backends.get("a");
  assert.ok(backend);
  const hello = await clientHello({ servername: "db.test", ALPNProtocols: ["h2"] });
  const random = new SeededRandom(5);
  for (let round = 0; round < 40; round += 1) {
    const size = random.pick([hello.length, 3, 50]);
    const tail = Buffer.alloc(random.pick([0, 1, 20_000]), round);
    const bytes = Buffer.concat([inRecordsOf(size, hello), tail]);
    using client = await RawClient.connect(port);
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.below(random.pick([100, 5_000]));
      client.socket.write(bytes.subarray(at, at + length));
      at += length;
      if (random.below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.end();
    await client.hears(/^a:/);
    await client.hearsEnd();
    assert.deepEqual(backend.lastHeard, bytes);
    assert.equal(client.received, `a:${bytes.toString("latin1")}`);
  }
});

/** A way to the worker that cuts what the client sends into pieces. */
async function choppingRelay(random: SeededRandom): Promise<TcpBackend> {
  return await TcpBackend.start((socket) => {
    const onward = connectPlain({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    onward.on("error", () => socket.destroy());
    onward.pipe(socket);
    let sent = Promise.resolve();
    socket.on("data", (bytes: Buffer) => {
      sent = sent.then(async () => {
        for (let at = 0; at < bytes.length; ) {
          const length = 1 + random.below(random.pick([5, 100, 2_000]));
          onward.write(bytes.subarray(at, at + length));
          at += length;
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
    });
    socket.on("end", () => void sent.then(() => onward.end()));
  });
}

test("ended TLS: the same router and the same bytes, however the client's are cut", async () => {
  await serve(
    tcpRouterOf("db@file", { rule: "HostSNI(`db.test`)", service: "a", tls: {} }),
    tcpRouterOf("rest@file", { service: "b", tls: {} }),
    tcpRouterOf("plain@file", { rule: "ClientIP(`127.0.0.1`)", service: "b" }),
  );
  const random = new SeededRandom(3);
  await using relay = await choppingRelay(random);
  for (let round = 0; round < 15; round += 1) {
    const text = "0123456789".repeat(random.pick([1, 50, 3_000]));
    const options = {
      servername: random.pick(["db.test", "x.test"]),
      maxVersion: random.pick(["TLSv1.2", "TLSv1.3"] as const),
    };
    const socket = connectPlain({ port: relay.port, host: "127.0.0.1" });
    const answer = await ask(options, text, socket);
    const name = options.servername === "db.test" ? "a" : "b";
    assert.equal(answer.text, `${name}:${text}`);
    assert.equal(String(backends.get(name)?.lastHeard), text);
  }
});

test("passthrough: the handshake is the server's own, and its certificate", async () => {
  const server = createTlsServer(known, (socket) => {
    socket.on("error", () => {});
    socket.end("own");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: ownPort } = server.address() as AddressInfo;
  await serve(
    tcpRouterOf("pass@file", { service: "own", tls: { passthrough: true } }),
    tcpServiceOf("own", [ownPort]),
  );
  for (const options of [{ servername: "any.test" }, {}]) {
    const answer = await ask(options);
    assert.deepEqual([answer.subject, answer.text], ["client", "own"]);
  }
  server.close();
});

test("without routers that take TLS nothing is read before a TCP router has it", async () => {
  await serve(
    webEntryPoint("web", { readTimeoutMs: 1 }),
    tcpRouterOf("plain@file", { service: "a" }),
  );
  using client = await RawClient.connect(port);
  await client.hears("a:");
  await worker.apply([
    tcpRouterOf("tls@file", { rule: "HostSNI(`db.test`)", service: "b", tls: {} }),
  ]);
  client.send("goes on");
  await client.hears("a:goes on");
  using silent = await RawClient.connect(port);
  assert.equal(await silent.hearsEnd(), "", "who says nothing is let go of");
  await worker.apply([webEntryPoint("web", { readTimeoutMs: 10_000 })]);
  using talks = await RawClient.connect(port);
  talks.send("I begin");
  await talks.hears("a:I begin");
  assert.equal(await textFor("db.test"), "b:");
});

test("an entry point that gives TLS lets TCP routers take connections at once while it has no others", async () => {
  const web = webEntryPoint("web", { httpTls: { options: "" } });
  await serve(web, tcpRouterOf("plain@file", { rule: "ClientIP(`127.0.0.1`)", service: "a" }));
  using client = await RawClient.connect(port);
  await client.hears("a:");
  await worker.apply([routerOf("r@file", { rule: "Host(`x.test`)" })]);
  assert.equal(await textFor("x.test"), "200");
  await worker.apply([], {
    removals: [keyOf(routerOf("r@file")), keyOf(tcpRouterOf("plain@file"))],
  });
  assert.equal(await textFor("x.test"), "404");
});

test("a TCP router whose TLS cannot be had serves nobody, least of all in plain text", async () => {
  await serve(
    tcpRouterOf("gone@file", {
      rule: "HostSNI(`gone.test`)",
      service: "a",
      tls: { options: "gone@file" },
    }),
    tcpRouterOf("bad@file", {
      rule: "HostSNI(`bad.test`)",
      service: "a",
      tls: { options: "bad@file" },
    }),
    tcpRouterOf("strict@file", {
      rule: "HostSNIRegexp(`^strict`)",
      service: "a",
      tls: { options: "strict@file" },
    }),
    optionsOf("bad@file", { unusable: true }),
    optionsOf("strict@file", { sniStrict: true }),
  );
  const before = backends.get("a")?.sockets.length;
  for (const servername of ["gone.test", "bad.test", "strict.elsewhere"]) {
    assert.deepEqual(await ask({ servername }), { subject: "", alpn: null, text: "" });
  }
  assert.match(await RawClient.exchange(port, "plain\r\n\r\n"), /^HTTP\/1.1 400 /);
  assert.equal(backends.get("a")?.sockets.length, before);
  assert.equal((await ask({ servername: "strict.test" })).text, "a:hi");
});

test("client certificates are asked for by the router's options, whatever others for the host have", async () => {
  await serve(
    tcpRouterOf("mtls@file", {
      rule: "HostSNI(`db.test`) && ALPN(`h2`)",
      service: "a",
      tls: { options: "mtls@file" },
    }),
    tcpRouterOf("open@file", { rule: "HostSNI(`db.test`)", service: "b", tls: {} }),
    optionsOf("mtls@file", {
      clientAuth: ClientAuth.REQUIRE_AND_VERIFY,
      clientCaPem: [String(authority.cert)],
    }),
  );
  const asking = async (own: Partial<Certificate>, ...ALPNProtocols: string[]) => {
    const offered = ALPNProtocols.length > 0 ? { ALPNProtocols } : {};
    return (await ask({ servername: "db.test", ...own, ...offered })).text;
  };
  assert.equal(await asking(known, "h2"), "a:hi");
  assert.equal(await asking(unknown, "h2"), "");
  assert.equal(await asking({}, "h2"), "");
  assert.equal(await asking({}), "b:hi");
});

test("large streams pass both ways, and a reader that stands still holds its writer back", async () => {
  await serve(tcpRouterOf("db@file", { rule: "HostSNI(`db.test`)", service: "slow", tls: {} }));
  const piece = Buffer.alloc(65_536, "0123456789abcdef-");
  const pieces = 512; // more than all buffers of the system on the way
  await using slow = await TcpBackend.start((socket) => socket.pause());
  await worker.apply([tcpServiceOf("slow", [slow.port])]);
  const client = connect({ port, host: "127.0.0.1", servername: "db.test", ca: authority.cert });
  await once(client, "secureConnect");
  let written = 0;
  for (let index = 0; index < pieces; index += 1) {
    client.write(piece, () => {
      written += 1;
    });
  }
  client.end();
  const upstream = await until("the server's connection", () => slow.sockets[0]);
  let seen = -1;
  await until("the stream to stand still", async () => {
    const before = seen;
    seen = written;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return written === before && before > 0;
  });
  assert.ok(written < pieces, "what is not read must stay with the client");
  upstream.resume();
  await until("the end to arrive", () => upstream.readableEnded);
  const sent = Buffer.concat(Array.from({ length: pieces }, () => piece));
  assert.ok(slow.lastHeard.equals(sent));
  const answer = createHash("sha256");
  client.on("data", (chunk: Buffer) => answer.update(chunk));
  const back = sent.subarray(0, 8_000_001);
  upstream.end(back);
  await once(client, "end");
  assert.equal(answer.digest("hex"), createHash("sha256").update(back).digest("hex"));
});

test("an end is passed on as an end: the other half goes on", async () => {
  await serve(tcpRouterOf("db@file", { rule: "HostSNI(`db.test`)", service: "half", tls: {} }));
  await using half = await TcpBackend.start((socket) => socket.end("only this"));
  await worker.apply([tcpServiceOf("half", [half.port])]);
  const client = connect({
    port,
    host: "127.0.0.1",
    servername: "db.test",
    ca: authority.cert,
    allowHalfOpen: true,
  } as ConnectionOptions);
  let text = "";
  client.on("data", (chunk: Buffer) => {
    text += String(chunk);
  });
  await once(client, "end");
  assert.equal(text, "only this");
  client.end("and now me");
  await until("the rest to arrive", () => half.sockets[0]?.readableEnded);
  assert.equal(String(half.lastHeard), "and now me");
  client.destroy();
});

test("a reset of one side ends the other", async () => {
  await using echo = await TcpBackend.start((socket) => socket.write("here"));
  await serve(
    tcpRouterOf("db@file", { rule: "HostSNI(`db.test`)", service: "echo", tls: {} }),
    tcpRouterOf("pass@file", { service: "echo", tls: { passthrough: true } }),
    tcpServiceOf("echo", [echo.port]),
  );
  const ended = async () => {
    const raw = connectPlain({ port, host: "127.0.0.1" });
    const socket = connect({ socket: raw, servername: "db.test", ca: authority.cert });
    socket.on("error", () => {});
    await once(socket, "data");
    return raw;
  };
  const passed = async () => {
    const raw = connectPlain({ port, host: "127.0.0.1" });
    raw.write(await clientHello({ servername: "x.test" }));
    await once(raw, "data");
    return raw;
  };
  for (const open of [ended, passed]) {
    const first = await open();
    const upstream = echo.sockets.at(-1);
    first.resetAndDestroy();
    await until("the server to see it", () => upstream?.destroyed || upstream?.readableEnded);
    const second = await open();
    second.on("error", () => {});
    echo.sockets.at(-1)?.resetAndDestroy();
    await until("the client to see it", () => second.destroyed || second.readableEnded);
    second.destroy();
    upstream?.destroy();
  }
});

/** Says it is a Postgres client, and is let into TLS. */
async function postgresClient(): Promise<Socket> {
  const socket = connectPlain({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.write(sslRequest.subarray(0, 3));
  await new Promise((resolve) => setImmediate(resolve));
  socket.write(sslRequest.subarray(3));
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.equal(String(answer), "S");
  return socket;
}

test("Postgres clients get TLS: ended here, or their server's own", async () => {
  const postgres = await TcpBackend.start((socket) => {
    socket.once("data", (request: Buffer) => {
      assert.deepEqual(request, sslRequest);
      socket.write("S");
      socket.on("data", (chunk: Buffer) => socket.write(chunk));
      socket.on("end", () => socket.end());
    });
  });
  await using _ = postgres;
  await serve(
    tcpRouterOf("ended@file", { rule: "HostSNI(`db.test`)", service: "a", tls: {} }),
    tcpRouterOf("pass@file", {
      rule: "HostSNI(`pass.test`)",
      service: "postgres",
      tls: { passthrough: true },
    }),
    tcpRouterOf("plain@file", { service: "b" }),
    tcpServiceOf("postgres", [postgres.port]),
  );
  const answer = await ask({ servername: "db.test" }, "startup", await postgresClient());
  assert.deepEqual([answer.subject, answer.text], ["database", "a:startup"]);
  assert.equal(String(backends.get("a")?.lastHeard), "startup", "its server speaks plain text");

  const hello = await clientHello({ servername: "pass.test" });
  const passing = await postgresClient();
  passing.end(hello);
  const echoed: Buffer[] = [];
  for await (const chunk of passing) echoed.push(chunk);
  assert.deepEqual(Buffer.concat(echoed), hello, "the server's S is not passed on twice");
  assert.deepEqual(postgres.lastHeard, Buffer.concat([sslRequest, hello]));

  assert.equal((await ask({ servername: "other.test" }, "", await postgresClient())).text, "");
  const confused = await postgresClient();
  confused.write(Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0]));
  await once(confused.resume(), "close");
});

test("Postgres passthrough to a server that takes no TLS ends the connection", async () => {
  for (const reply of ["N", ""]) {
    await using refusing = await TcpBackend.start((socket) => {
      socket.once("data", () => socket.end(reply));
    });
    await serve(
      tcpRouterOf("pass@file", { service: "postgres", tls: { passthrough: true } }),
      tcpServiceOf("postgres", [refusing.port]),
    );
    const client = await postgresClient();
    client.write(await clientHello({ servername: "pass.test" }));
    await once(client.resume(), "close");
    assert.deepEqual(refusing.lastHeard, sslRequest);
  }
  const warnings = worker.log.filter(({ level }) => level === "warn");
  assert.ok(JSON.stringify(warnings).includes("it does not take TLS"));
});

test("without TCP routers that take TLS an SSLRequest is a message like any other", async () => {
  await serve(
    routerOf("https@file", { tls: "default" }),
    tcpRouterOf("plain@file", { service: "a" }),
  );
  using client = await RawClient.connect(port);
  client.send(sslRequest.toString("latin1"));
  await client.hears(`a:${sslRequest.toString("latin1")}`);
});

test("open connections are counted by entry point, whatever becomes of them", async () => {
  await serve(
    tcpRouterOf("db@file", { rule: "HostSNI(`db.test`)", service: "a", tls: {} }),
    tcpRouterOf("pass@file", { service: "a", tls: { passthrough: true } }),
  );
  const count = async () => (await worker.collectCounters()).openConnections;
  assert.deepEqual(await count(), [{ entryPoint: "web", open: 0 }]);
  const ended = connect({ port, host: "127.0.0.1", servername: "db.test", ca: authority.cert });
  await once(ended, "data");
  using passed = await RawClient.connect(port);
  passed.socket.write(await clientHello({ servername: "x.test" }));
  await passed.hears("a:");
  using plain = await RawClient.connect(port);
  using silent = await RawClient.connect(port);
  plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await plain.hears("404");
  assert.deepEqual(await count(), [{ entryPoint: "web", open: 4 }]);
  for (const { socket } of [passed, plain, silent]) socket.destroy();
  ended.destroy();
  await until("none to be left", async () => (await count())[0]?.open === 0);
  await worker.apply([], { removals: [keyOf(webEntryPoint())] });
  worker.tell({ kind: "drainEntryPoint", entryPoint: "web" });
  await until("it to be forgotten", async () => (await count()).length === 0);
});

test("open connections go on through every change, new ones follow it", async () => {
  const router = (service: string) =>
    tcpRouterOf("db@file", { rule: "HostSNI(`db.test`)", service, tls: {} });
  await serve(router("a"));
  const open = connect({ port, host: "127.0.0.1", servername: "db.test", ca: authority.cert });
  let text = "";
  open.on("data", (chunk: Buffer) => {
    text += String(chunk);
  });
  await until("the greeting", () => text === "a:");
  await worker.apply([router("b")]);
  assert.equal(await textFor("db.test"), "b:");
  await worker.apply([], { removals: [keyOf(router("b"))] });
  assert.notEqual(await textFor("db.test"), "b:");
  await serve(router("b"));
  assert.equal(await textFor("db.test"), "b:");
  open.write("still here");
  await until("the echo", () => text === "a:still here");
  open.destroy();
});

test("a removed entry point's TLS connections get its grace, those in their handshake too", async () => {
  await serve(
    webEntryPoint("web", { graceTimeoutMs: 300 }),
    tcpRouterOf("db@file", { rule: "HostSNI(`db.test`)", service: "a", tls: {} }),
  );
  const open = connect({ port, host: "127.0.0.1", servername: "db.test", ca: authority.cert });
  open.on("error", () => {});
  await once(open, "data");
  using halfway = await RawClient.connect(port);
  halfway.socket.write((await clientHello({ servername: "db.test" })).subarray(0, 50));
  using silent = await RawClient.connect(port);
  await until("all three are there", () => worker.openConnections === 3);
  const startMs = performance.now();
  worker.tell({ kind: "drainEntryPoint", entryPoint: "web" });
  await silent.hearsEnd();
  await Promise.all([once(open, "close"), halfway.hearsEnd()]);
  assert.ok(performance.now() - startMs >= 290, "not before its grace is over");
  await until("nothing is left", () => worker.openConnections === 0);
});

test("who never ends a ClientHello is let go of", async () => {
  await serve(
    webEntryPoint("web", { readTimeoutMs: 100 }),
    tcpRouterOf("db@file", { rule: "HostSNI(`db.test`)", service: "a", tls: {} }),
  );
  const hello = await clientHello({ servername: "db.test" });
  const beginnings = [Buffer.alloc(0), hello.subarray(0, 1), hello.subarray(0, -1), sslRequest];
  const texts = await Promise.all(
    [...beginnings, sslRequest.subarray(0, 4)].map((bytes) =>
      RawClient.exchange(port, bytes.toString("latin1")),
    ),
  );
  assert.deepEqual(texts, ["", "", "", "S", ""]);
  using early = await RawClient.connect(port);
  early.socket.end(hello.subarray(0, 60));
  assert.equal(await early.hearsEnd(), "", "nor who ends before it");
});

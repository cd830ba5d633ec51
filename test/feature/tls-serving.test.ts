/** HTTP over TLS at the sockets of a real worker: who answers, with which certificate, and who is let in. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect as connectPlain } from "node:net";
import { after, before, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import {
  ClientAuth,
  TlsOptions,
  TlsVersion,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { type Certificate, CertificateAuthority } from "../support/certificates.ts";
import {
  bodyResource,
  keyOf,
  routerOf,
  serviceOf,
  webEntryPoint,
} from "../support/data-plane-resources.ts";
import { TrafficWorkerThread } from "../support/traffic-worker.ts";
import { until } from "../support/until.ts";

const authority = new CertificateAuthority();
const strangers = new CertificateAuthority("Strangers");
const shop = authority.issue("shop", [], ["shop.test"]);
const wildcard = authority.issue("wildcard", [], ["*.test"]);
const client = authority.issue("client");
const stranger = strangers.issue("stranger");

const certificateOf = (name: string, { cert, key }: Certificate): Resource =>
  bodyResource(name, {
    $case: "tlsCertificate",
    value: { certPem: String(cert), keyPem: String(key), stores: [] },
  });

const optionsOf = (name: string, fields: Partial<TlsOptions> = {}): Resource =>
  bodyResource(name, { $case: "tlsOptions", value: TlsOptions.create(fields) });

let origin: Server;
let worker: TrafficWorkerThread;
let port = 0;

before(async () => {
  origin = createServer((request, response) => {
    response.setHeader("seen-proto", String(request.headers["x-forwarded-proto"]));
    response.setHeader("seen-port", String(request.headers["x-forwarded-port"]));
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("end", () => response.end(`${request.url} ${bytes}`));
  });
  origin.listen(0, "127.0.0.1");
  await once(origin, "listening");
  worker = await TrafficWorkerThread.start();
  port = await worker.listen();
});

after(async () => {
  await worker[Symbol.asyncDispose]();
  origin.closeAllConnections();
  origin.close();
});

async function serve(...resources: readonly Resource[]): Promise<void> {
  const app = serviceOf("app", [(origin.address() as AddressInfo).port]);
  const hasEntryPoint = resources.some(({ name }) => name === "web");
  const all = [...(hasEntryPoint ? [] : [webEntryPoint()]), app, ...resources];
  assert.deepEqual(await worker.apply(all, { full: true }), []);
}

interface Answer {
  /** Of the server's certificate; "" when the handshake failed. */
  readonly subject: string;
  readonly protocol: string | null;
  readonly text: string;
}

/** One request over a connection of its own; `text` is what came until the end, whatever went wrong. */
function ask(
  request: string,
  options: ConnectionOptions = {},
  body: Buffer = Buffer.alloc(0),
): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
    let answer: Answer = { subject: "", protocol: null, text: "" };
    const chunks: Buffer[] = [];
    socket.on("secureConnect", () => {
      const subject = String(socket.getPeerCertificate().subject?.CN ?? "");
      answer = { ...answer, subject, protocol: socket.getProtocol() };
      socket.write(request);
      if (body.length > 0) socket.write(body);
    });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => resolve({ ...answer, text: String(Buffer.concat(chunks)) }));
  });
}

const get = (host: string, path = "/") =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
const statusOf = ({ text }: Answer) => text.slice(9, 12);

function askPlain(request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectPlain(port, "127.0.0.1", () => socket.write(request));
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => resolve(String(Buffer.concat(chunks))));
  });
}

test("routers with TLS answer TLS requests, the others plain ones, on one entry point", async () => {
  await serve(
    routerOf("secure@file", { rule: "Host(`shop.test`)", tls: "default" }),
    routerOf("plain@file", { rule: "Host(`plain.test`)" }),
    certificateOf("1", shop),
  );
  const secure = await ask(get("shop.test"), { servername: "shop.test", ca: authority.cert });
  assert.equal(statusOf(secure), "200");
  assert.match(secure.text, /seen-proto: https\r\nseen-port: 443\r\n/);
  assert.equal(secure.protocol, "TLSv1.3");
  assert.equal(statusOf(await ask(get("plain.test"), { servername: "plain.test" })), "404");
  assert.match(await askPlain(get("plain.test")), /^HTTP\/1.1 200 [\s\S]*seen-proto: http\r\n/);
  assert.match(await askPlain(get("shop.test")), /^HTTP\/1.1 404 /);
});

test("the certificate is the one for the name, for its first label, or the default one", async () => {
  await serve(
    routerOf("all@file", { rule: "PathPrefix(`/`)", tls: "default" }),
    certificateOf("1", shop),
    certificateOf("2", wildcard),
  );
  const subjectFor = async (servername?: string) => {
    const { subject } = await ask(get("x"), servername === undefined ? {} : { servername });
    return subject;
  };
  assert.equal(await subjectFor("shop.test"), "shop");
  assert.equal(await subjectFor("SHOP.test"), "shop");
  assert.equal(await subjectFor("other.test"), "wildcard");
  assert.equal(await subjectFor("deep.other.test"), "SWITCHYARD DEFAULT CERT");
  await worker.apply([
    bodyResource("default@file", {
      $case: "tlsStore",
      value: {
        defaultCertificate: {
          certPem: String(client.cert),
          keyPem: String(client.key),
          stores: [],
        },
      },
    }),
  ]);
  assert.equal(await subjectFor("deep.other.test"), "client");
  await worker.apply([], { removals: [keyOf(certificateOf("1", shop))] });
  assert.equal(await subjectFor("shop.test"), "wildcard");
});

test("large bodies, several requests and slow hellos come through", async () => {
  await serve(
    routerOf("all@file", { rule: "PathPrefix(`/`)", tls: "default" }),
    certificateOf("1", shop),
  );
  const body = Buffer.alloc(3_000_000, 97);
  const upload = `POST /up HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
  const answer = await ask(upload, { servername: "shop.test" }, body);
  assert.match(answer.text, /\/up 3000000$/);
  const keptAlive = `GET /1 HTTP/1.1\r\nHost: shop.test\r\n\r\n${get("shop.test", "/2")}`;
  assert.match((await ask(keptAlive, { servername: "shop.test" })).text, /\/1 0[\s\S]*\/2 0$/);
});

test("requests in many records that come at once are all answered, in their order", async () => {
  await serve(
    routerOf("secure@file", { rule: "Host(`shop.test`)", tls: "default" }),
    certificateOf("1", shop),
  );
  // While one is answered the connection is paused; what came with it has been decrypted by then.
  const count = 300;
  const parts = Array.from({ length: count }, (_, index) => {
    const body = "x".repeat((index * 37) % 900);
    const close = index === count - 1 ? "Connection: close\r\n" : "";
    const head = `POST /${index} HTTP/1.1\r\nHost: shop.test\r\n${close}Content-Length: ${body.length}\r\n\r\n`;
    return [head, body];
  }).flat();
  const expected = Array.from({ length: count }, (_, index) => `/${index} ${(index * 37) % 900}`);
  const socket = connect({ port, host: "127.0.0.1", servername: "shop.test", ca: authority.cert });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "secureConnect");
  const stream = parts.join("");
  for (let at = 0; at < stream.length; ) {
    const end = at + 1 + ((at * 7919) % 400);
    socket.write(stream.slice(at, end));
    at = end;
  }
  await once(socket, "close");
  const answers = String(Buffer.concat(chunks)).match(/(?<=\r\n\r\n)\/\d+ \d+/g);
  assert.deepEqual(answers, expected);
});

test("options: oldest version, strict names, and those that do not exist or cannot be used", async () => {
  await serve(
    routerOf("new@file", { rule: "Host(`shop.test`)", tls: "new@file" }),
    routerOf("gone@file", { rule: "Host(`gone.test`)", tls: "gone@file" }),
    routerOf("bad@file", { rule: "Host(`bad.test`)", tls: "bad@file" }),
    certificateOf("1", wildcard),
    optionsOf("new@file", { minVersion: TlsVersion.TLS_VERSION_1_3 }),
    optionsOf("bad@file", { unusable: true }),
    optionsOf("default@file", { sniStrict: true }),
  );
  const old = { servername: "shop.test", maxVersion: "TLSv1.2" } as const;
  assert.equal((await ask(get("shop.test"), old)).subject, "");
  assert.equal(statusOf(await ask(get("shop.test"), { servername: "shop.test" })), "200");
  for (const servername of ["gone.test", "bad.test", "strict.elsewhere"]) {
    assert.deepEqual(await ask(get(servername), { servername }), {
      subject: "",
      protocol: null,
      text: "",
    });
  }
  const other = { servername: "other.test", maxVersion: "TLSv1.2" } as const;
  assert.equal((await ask(get("other.test"), other)).protocol, "TLSv1.2");
  await worker.apply([optionsOf("default@etcd")]);
  assert.equal((await ask(get("other.test"), other)).subject, "", "two default options: none");
});

for (const [clientAuth, nobody, known, unknown] of [
  [ClientAuth.NONE, "200", "200", "200"],
  [ClientAuth.REQUEST, "200", "200", "200"],
  [ClientAuth.REQUIRE_ANY, "", "200", "200"],
  [ClientAuth.VERIFY_IF_GIVEN, "200", "200", ""],
  [ClientAuth.REQUIRE_AND_VERIFY, "", "200", ""],
] as const) {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`client certificates, type ${clientAuth}, ${version}: none ${nobody}, good ${known}, bad ${unknown}`, async () => {
      await serve(
        routerOf("r@file", { rule: "Host(`shop.test`)", tls: "mtls@file" }),
        certificateOf("1", shop),
        optionsOf("mtls@file", { clientAuth, clientCaPem: [String(authority.cert)] }),
      );
      const common = { servername: "shop.test", maxVersion: version };
      const outcome = async (own: Partial<Certificate>) =>
        statusOf(await ask(get("shop.test"), { ...common, ...own }));
      assert.equal(await outcome({}), nobody);
      assert.equal(await outcome(client), known);
      assert.equal(await outcome(stranger), unknown);
    });
  }
}

test("a request for a host with other options than its connection is answered 421", async () => {
  await serve(
    routerOf("open@file", { rule: "Host(`open.test`)", tls: "default" }),
    routerOf("closed@file", { rule: "Host(`closed.test`)", tls: "mtls@file" }),
    routerOf("shared@file", {
      rule: "Host(`shared.test`)",
      tls: "mtls@file",
      defaultTlsOn: ["web"],
    }),
    routerOf("any@file", { rule: "PathPrefix(`/any`)", priority: 1000n, tls: "default" }),
    certificateOf("1", wildcard),
    optionsOf("mtls@file", {
      clientAuth: ClientAuth.REQUIRE_AND_VERIFY,
      clientCaPem: [String(authority.cert)],
    }),
  );
  const fronted = await ask(get("closed.test"), { servername: "open.test" });
  assert.equal(statusOf(fronted), "421");
  assert.match(fronted.text, /Misdirected Request$/);
  assert.equal(statusOf(await ask(get("closed.test"), { servername: "x.test" })), "421");
  assert.equal(statusOf(await ask(get("closed.test"), { servername: "closed.test" })), "");
  assert.equal(statusOf(await ask(get("shared.test"), { servername: "shared.test" })), "200");
  const inside = await ask(get("open.test"), { servername: "closed.test", ...client });
  assert.equal(statusOf(inside), "421");
  // A router for every host is behind what the host asks for.
  const behind = { servername: "closed.test", ...client };
  assert.equal(statusOf(await ask(get("closed.test", "/any"), behind)), "200");
  assert.equal(statusOf(await ask(get("open.test", "/any"), behind)), "421");
  const around = await ask(get("closed.test", "/any"), { servername: "open.test" });
  assert.equal(statusOf(around), "421");
  assert.equal(statusOf(await ask(get("x.test", "/any"), { servername: "open.test" })), "200");
});

test("an entry point with TLS gives it to its routers, and takes it back", async () => {
  const routes = [
    routerOf("own@file", { rule: "Host(`own.test`)", tls: "default" }),
    routerOf("given@file", { rule: "Host(`given.test`)" }),
    routerOf("given@etcd", { rule: "Host(`etcd.test`)" }),
    certificateOf("1", wildcard),
    optionsOf("mtls@file", {
      clientAuth: ClientAuth.REQUIRE_ANY,
    }),
  ];
  await serve(webEntryPoint("web", { httpTls: { options: "mtls" } }), ...routes);
  const statusFor = async (host: string, own: Partial<Certificate> = {}) =>
    statusOf(await ask(get(host), { servername: host, ...own }));
  assert.equal(await statusFor("own.test"), "200");
  assert.equal(await statusFor("given.test"), "", "mtls@file asks for a certificate");
  assert.equal(await statusFor("given.test", client), "200");
  assert.equal(await statusFor("etcd.test"), "", "mtls@etcd does not exist");
  assert.match(await askPlain(get("given.test")), /^HTTP\/1.1 404 /);
  await worker.apply([webEntryPoint("web", { httpTls: { options: "" } })]);
  assert.equal(await statusFor("etcd.test"), "200");
  await worker.apply([webEntryPoint()]);
  assert.equal(await statusFor("etcd.test"), "404");
  assert.match(await askPlain(get("given.test")), /^HTTP\/1.1 200 /);
  await worker.apply([webEntryPoint("web", { httpTls: { options: "" }, httpMiddlewares: [] })]);
  assert.equal(await statusFor("given.test"), "200");
});

test("what is neither TLS nor HTTP, or says nothing, is let go of", async () => {
  await serve(
    webEntryPoint("web", { readTimeoutMs: 100 }),
    routerOf("all@file", { tls: "default" }),
    certificateOf("1", shop),
  );
  for (const bytes of [
    "",
    "\x16",
    "\x16\x03\x01",
    "\x16\x03\x01\x00\x02\x02\x00\x00\x00",
    "\x16HTTP",
  ]) {
    const text = await askPlain(Buffer.from(bytes, "latin1").toString("latin1"));
    assert.equal(text, "");
  }
  assert.match(await askPlain("\x80\x01\r\n\r\n"), /^HTTP\/1.1 400 /);
  await until("all connections are gone", () => worker.openConnections === 0);
});

test("a pair that does not belong together is rejected, without a word of its key", async () => {
  await serve();
  const [rejected] = await worker.apply([
    certificateOf("mixed", { cert: shop.cert, key: client.key }),
  ]);
  assert.equal(rejected?.reason, "its private key is that of another certificate");
  const [, torn] = await worker.apply([
    certificateOf("torn", { cert: shop.cert, key: Buffer.from("-----BEGIN SECRET-----") }),
  ]);
  assert.equal(torn?.reason, "its private key cannot be read");
  assert.ok(!JSON.stringify(worker.log).includes("PRIVATE KEY"));
});

/** HTTPS of real processes: a certificate renewed in its files while clients come and stay, and who is let in. */
import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { type Certificate, CertificateAuthority } from "../support/certificates.ts";
import { Origin } from "../support/fleet.ts";
import { eventually, freePort, Program } from "../support/program.ts";

const authority = new CertificateAuthority();
const clients = new CertificateAuthority("Clients");
const client = clients.issue("client");
const stranger = new CertificateAuthority("Strangers").issue("stranger");

let directory = "";
let port = 0;
const resources = new AsyncDisposableStack();

const file = (name: string) => join(directory, name);

/** As certbot and its like do: each file is replaced at once, the pair is not. */
async function place(name: string, { cert, key }: Certificate): Promise<void> {
  for (const [suffix, content] of [
    [".crt", cert],
    [".key", key],
  ] as const) {
    await writeFile(file(`${name}${suffix}.new`), content, { mode: 0o600 });
    await rename(file(`${name}${suffix}.new`), file(`${name}${suffix}`));
  }
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-tls-"));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  port = await freePort();
  const origin = resources.use(await Origin.start("hello"));
  await place("shop", authority.issue("first", [], ["shop.test"]));
  await writeFile(file("clients.pem"), clients.cert);
  await writeFile(
    file("routes.yml"),
    `
http:
  routers:
    shop: { rule: Host(\`shop.test\`), service: app }
    staff: { rule: Host(\`staff.test\`), service: app, tls: { options: staff } }
  services:
    app: { loadBalancer: { servers: [{ url: "${origin.url}" }] } }
tls:
  certificates: [{ certFile: ${file("shop.crt")}, keyFile: ${file("shop.key")} }]
  options:
    staff: { clientAuth: { caFiles: [${file("clients.pem")}] } }
`,
  );
  const program = new Program([
    "up",
    `--entryPoints.websecure.address=127.0.0.1:${port}`,
    "--entryPoints.websecure.http.tls",
    `--providers.file.filename=${file("routes.yml")}`,
    `--state-dir=${file("state")}`,
    "--fleet.admin.address=127.0.0.1:0",
    "--admin=127.0.0.1:0",
  ]);
  resources.use(program);
  await program.address("entryPoint", "websecure");
});

after(async () => {
  await resources.disposeAsync();
});

interface Answer {
  readonly status: number | undefined;
  readonly subject: string | string[] | undefined;
}

function ask(agent: Agent): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = { host: "127.0.0.1", port, servername: "shop.test", ca: authority.cert, agent };
  const outgoing = request({ ...options, headers: { Host: "shop.test" }, timeout: 5_000 });
  outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in 5 s")));
  outgoing.on("error", reject);
  outgoing.on("response", (response) => {
    const { subject } = (response.socket as TLSSocket).getPeerCertificate();
    response.resume();
    response.on("end", () => resolve({ status: response.statusCode, subject: subject.CN }));
  });
  outgoing.end();
  return promise;
}

test("a certificate renewed 20 times under load costs no request, and new clients see it at once", async () => {
  const stop = new AbortController();
  const seen = new Map<unknown, number>();
  const kept = new Agent({ keepAlive: true, maxSockets: 8, maxCachedSessions: 0 });
  const fresh = new Agent({ keepAlive: false, maxCachedSessions: 0 });
  const load = async (agent: Agent) => {
    while (!stop.signal.aborted) {
      const { status, subject } = await ask(agent);
      assert.equal(status, 200);
      seen.set(subject, (seen.get(subject) ?? 0) + 1);
    }
  };
  const all = Promise.all([kept, kept, kept, kept, fresh, fresh].map(load));
  try {
    const renewals = async () => {
      for (let renewal = 1; renewal <= 20; renewal++) {
        await place("shop", authority.issue(`renewal ${renewal}`, [], ["shop.test"]));
        await eventually(async () => {
          assert.equal((await ask(fresh)).subject, `renewal ${renewal}`);
        });
      }
    };
    await Promise.race([renewals(), all]);
  } finally {
    stop.abort();
  }
  await all;
  const requests = [...seen.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(requests > 200, `${requests} requests`);
  assert.ok(seen.size > 10, `${seen.size} certificates seen`);
  kept.destroy();
});

/** The status of an answer; undefined when the connection was refused. */
async function statusFor(serverName: string, pair?: Certificate): Promise<string | undefined> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    servername: serverName,
    ...pair,
    rejectUnauthorized: false,
  });
  socket.on("error", () => {});
  socket.write(`GET / HTTP/1.1\r\nHost: ${serverName}\r\nConnection: close\r\n\r\n`);
  const text: string[] = [];
  socket.setEncoding("utf8").on("data", (part: string) => text.push(part));
  await new Promise((resolve) => socket.once("close", resolve));
  return text.length === 0 ? undefined : text.join("").slice(9, 12);
}

test("clients are asked for a certificate where the host asks for one", async () => {
  assert.equal(await statusFor("staff.test"), undefined);
  assert.equal(await statusFor("staff.test", stranger), undefined);
  assert.equal(await statusFor("staff.test", client), "200");
  assert.equal(await statusFor("shop.test"), "200");
});

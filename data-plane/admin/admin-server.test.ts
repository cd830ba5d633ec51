import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { AdminServer, text } from "./admin-server.ts";

const pages = {
  "/page": () => text(200, "here"),
  "/broken": () => {
    throw new Error("a secret detail");
  },
};

async function started(address = "127.0.0.1:0", log = silentLog) {
  const server = new AdminServer({ address, isRequired: true, pages, log });
  await server.start();
  return server;
}

function fetchWith(address: string, path: string, init: { method?: string; host?: string } = {}) {
  const [host, port] = address.split(":");
  return new Promise<{ status: number; body: string; allow: string | undefined }>(
    (resolve, reject) => {
      const sent = request(
        { host, port, path, method: init.method ?? "GET", headers: { host: init.host ?? address } },
        (response) => {
          let body = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            body += chunk;
          });
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body, allow: response.headers.allow }),
          );
        },
      );
      sent.on("error", reject);
      sent.end();
    },
  );
}

test("AdminServer serves its pages to GET and HEAD", async () => {
  await using server = await started();
  const { address } = server;
  assert.deepEqual(await fetchWith(address, "/page?x=1"), {
    status: 200,
    body: "here\n",
    allow: undefined,
  });
  assert.deepEqual(await fetchWith(address, "/page", { method: "HEAD" }), {
    status: 200,
    body: "",
    allow: undefined,
  });
  assert.deepEqual(await fetchWith(address, "/page", { method: "POST" }), {
    status: 405,
    body: "only GET is served here\n",
    allow: "GET, HEAD",
  });
  for (const path of ["/nothing", "/__proto__", "/constructor"]) {
    assert.equal((await fetchWith(address, path)).status, 404, path);
  }
});

test("AdminServer answers a page that throws without telling why", async () => {
  const log = new RecordingLog();
  await using server = await started("127.0.0.1:0", log);
  assert.deepEqual(await fetchWith(server.address, "/broken"), {
    status: 500,
    body: "failed\n",
    allow: undefined,
  });
  assert.ok(log.lines.some(({ message }) => message === "admin page failed"));
});

test("AdminServer answers only to names of this machine", async () => {
  await using server = await started();
  const port = server.address.split(":")[1];
  for (const host of [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    "localhost",
    "[::1]:1",
    "127.8.9.1",
  ]) {
    assert.equal((await fetchWith(server.address, "/page", { host })).status, 200, host);
  }
  for (const host of [
    "evil.example",
    `evil.example:${port}`,
    "127.0.0.1.evil.example",
    "10.0.0.1",
  ]) {
    assert.equal((await fetchWith(server.address, "/page", { host })).status, 403, host);
  }
});

for (const [address, message] of [
  [
    "0.0.0.0:8081",
    /^Cannot bind admin to 0\.0\.0\.0:8081: it has no TLS, so only a loopback address is allowed \(--admin=127\.0\.0\.1:8081\)$/,
  ],
  [":8081", /^Cannot bind admin to :8081: it has no TLS/],
  ["192.0.2.1:80", /it has no TLS/],
  ["somewhere", /^Cannot bind admin to somewhere: it is not HOST:PORT \(--admin\)$/],
] as const) {
  test(`AdminServer refuses to bind to ${address}`, async () => {
    await assert.rejects(started(address), { message });
  });
}

test("AdminServer names the flag when its port is taken, or moves when nobody asked for it", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  try {
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    await assert.rejects(started(address), {
      message: `Cannot bind admin to ${address}: port is in use; choose another with --admin`,
    });
    const log = new RecordingLog();
    await using moved = new AdminServer({ address, isRequired: false, pages, log });
    await moved.start();
    assert.notEqual(moved.address, address);
    assert.deepEqual(
      log.lines.map(({ message, fields }) => [message, fields["wanted"] ?? fields["address"]]),
      [
        ["admin address is in use, moved to a free port", address],
        ["listening", moved.address],
      ],
    );
    assert.equal((await fetchWith(moved.address, "/page")).status, 200);
  } finally {
    taken.close();
    await once(taken, "close");
  }
});

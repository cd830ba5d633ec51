import assert from "node:assert/strict";
import { request } from "node:http";
import { createServer } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { RecordingLog } from "../../test/support/recording-log.ts";
import { AdminBindError } from "./admin-bind-error.ts";
import { type AdminPage, jsonAnswer } from "./admin-page.ts";
import { AdminServer } from "./admin-server.ts";

const pages = new Map<string, AdminPage>([
  ["/x", async () => jsonAnswer({ x: 1 })],
  ["/broken", () => Promise.reject(new Error("secret detail"))],
]);

async function started(t: TestContext, address = "127.0.0.1:0", isMovable = false) {
  const log = new RecordingLog();
  const server = new AdminServer({ name: "control-plane", address, isMovable, pages, log });
  await server.start();
  t.after(() => server.stop());
  return { server, log };
}

async function takenPort(t: TestContext): Promise<number> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => taken.close(resolve)));
  const address = taken.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly allow: string | undefined;
  readonly length: string | undefined;
}

function ask(address: string, path: string, method = "GET", host = address): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { agent: false, method, headers: { host }, setHost: false } as const;
    const asked = request(`http://${address}${path}`, options, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => {
        const { allow, "content-length": length } = response.headers;
        resolve({ status: response.statusCode, body, allow, length });
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe("AdminServer", () => {
  test("answers GET and HEAD, and says where it listens", async (t) => {
    const { server, log } = await started(t);
    assert.match(server.address, /^127\.0\.0\.1:[1-9]\d*$/);
    assert.deepEqual(log.lines, [
      {
        level: "info",
        message: "listening",
        fields: { listener: "admin", name: "control-plane", address: server.address },
      },
    ]);
    assert.equal((await ask(server.address, "/x?page=1")).body, '{"x":1}\n');
    const head = await ask(server.address, "/x", "HEAD");
    assert.deepEqual([head.status, head.body, head.length], [200, "", "8"]);
  });

  test("answers mistakes with a message and no detail", async (t) => {
    const { server, log } = await started(t);
    const missing = await ask(server.address, "/y");
    assert.deepEqual(
      [missing.status, missing.body],
      [404, '{"message":"there is no such page"}\n'],
    );
    const posted = await ask(server.address, "/x", "POST");
    assert.deepEqual([posted.status, posted.allow], [405, "GET, HEAD"]);
    const broken = await ask(server.address, "/broken");
    assert.equal(broken.status, 500);
    assert.doesNotMatch(broken.body, /secret/);
    assert.equal(log.lines.at(-1)?.message, "admin page failed");
  });

  for (const [host, status] of [
    ["localhost:1", 200],
    ["127.0.0.1", 200],
    ["[::1]:8090", 200],
    ["evil.example", 403],
    ["127.0.0.1.evil.example:8090", 403],
    ["", 403],
  ] as const) {
    test(`answers Host "${host}" with ${status}`, async (t) => {
      const { server } = await started(t);
      assert.equal((await ask(server.address, "/x", "GET", host)).status, status);
    });
  }

  test("does what it is asked to with the token only, for no web page, and leaves a line", async (t) => {
    const log = new RecordingLog();
    const asked: unknown[] = [];
    const act = async (body: unknown) => {
      asked.push(body);
      return jsonAnswer({ done: true });
    };
    const server = new AdminServer({
      name: "control-plane",
      address: "127.0.0.1:0",
      isMovable: false,
      pages,
      actions: new Map([["/act", act]]),
      token: "secret",
      log,
    });
    await server.start();
    t.after(() => server.stop());
    const post = async (headers: Record<string, string>, body = '{"id":1}', method = "POST") => {
      const options = method === "POST" ? { body } : {};
      const answer = await fetch(`http://${server.address}/act`, { method, headers, ...options });
      await answer.text();
      return answer.status;
    };
    const token = { authorization: "Bearer secret" };
    assert.equal(await post({}), 401);
    assert.equal(await post({ authorization: "Bearer secreT" }), 401);
    assert.equal(await post({ ...token, origin: "http://127.0.0.1:9" }), 403);
    assert.equal(await post(token, "{"), 400);
    assert.equal(await post(token, JSON.stringify("x".repeat(20_000))), 400);
    assert.equal(await post(token, "", "GET"), 405);
    assert.deepEqual(asked, []);
    assert.equal(await post(token), 200);
    assert.deepEqual(asked, [{ id: 1 }]);
    assert.equal(log.lines.at(-1)?.message, "admin action");
    assert.doesNotMatch(JSON.stringify(log.lines), /secret/);
  });

  test("says that a port is in use", async (t) => {
    const address = `127.0.0.1:${await takenPort(t)}`;
    const server = new AdminServer({
      name: "control-plane",
      address,
      isMovable: false,
      pages,
      log: new RecordingLog(),
    });
    await assert.rejects(server.start(), (error) => {
      assert.ok(error instanceof AdminBindError);
      assert.equal(error.message, `Cannot bind admin to ${address}: port is in use`);
      return true;
    });
    await server.stop();
  });

  test("moves to a free port where nobody asked for the one that is taken", async (t) => {
    const wanted = `127.0.0.1:${await takenPort(t)}`;
    const { server, log } = await started(t, wanted, true);
    assert.notEqual(server.address, wanted);
    assert.equal((await ask(server.address, "/x")).status, 200);
    assert.deepEqual(log.lines[0]?.fields, { wanted });
  });

  for (const address of ["0.0.0.0:8090", ":8090", "[::]:8090", "192.0.2.1:8090", "admin:8090"]) {
    test(`refuses ${address}`, async () => {
      const log = new RecordingLog();
      const server = new AdminServer({
        name: "control-plane",
        address,
        isMovable: true,
        pages,
        log,
      });
      await assert.rejects(server.start(), {
        message: `Cannot bind admin to ${address}: beyond loopback it needs TLS and a token, which are not supported yet; use 127.0.0.1:8090`,
      });
    });
  }

  test("stops with an idle connection open, and any number of times", async (t) => {
    const { server } = await started(t);
    const kept = await fetch(`http://${server.address}/x`);
    await kept.text();
    await Promise.all([server.stop(), server.stop()]);
    await assert.rejects(ask(server.address, "/x"));
  });
});

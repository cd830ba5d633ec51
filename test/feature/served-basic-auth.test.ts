/** Passwords asked for at a socket, with the real library behind it. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { RawClient } from "../support/raw-client.ts";
import { ServedConfiguration } from "../support/served-configuration.ts";

/** Of "test"; the slow one takes some tenths of a second. */
const quickHash = "$2y$10$tr3hl2hEelrw61UdN/DJ6egpB8Iy.b6eCldmkQ8CRLCG3rxsweMFm";
const slowHash = "$2y$13$CiTBOLRDNF7F/YzLazgt.uolQ0uCf066ZHfjQXTyz3OmSYjNIdaC6";

const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString("base64")}`;
const authorized = (credentials: string) => ({ Authorization: [basic(credentials)] });

describe("a worker that asks for passwords", async () => {
  const served = await ServedConfiguration.start();
  after(() => served[Symbol.asyncDispose]());

  const serve = (basicAuth: unknown) =>
    served.serve({
      file: {
        http: {
          routers: {
            closed: { rule: "Host(`closed.test`)", service: "app", middlewares: ["login"] },
            open: { rule: "Host(`open.test`)", service: "app" },
          },
          services: { app: { loadBalancer: { servers: [{ url: served.originUrl }] } } },
          middlewares: { login: { basicAuth } },
        },
      },
    });
  const head = (credentials: string) =>
    `GET / HTTP/1.1\r\nHost: closed.test\r\nAuthorization: ${basic(credentials)}\r\n`;

  test("lets nothing through without the password, and everything with it", async () => {
    await serve({ users: [`ada:${quickHash}`], headerField: "X-User", removeHeader: true });
    const host = "closed.test";
    for (const headers of [{}, authorized("ada:wrong"), authorized("eve:test")]) {
      const { status, received, sent } = await served.ask({ host, headers });
      assert.deepEqual([status, sent], [401, ""]);
      assert.match(received, /\r\nWWW-Authenticate: Basic realm="traefik"\r\n/);
      assert.match(received, /\r\n\r\n401 Unauthorized\n$/);
    }
    const headers = { ...authorized("ada:test"), "x-user": ["root"] };
    const { status, sent } = await served.ask({ host, headers });
    assert.equal(status, 200);
    assert.match(sent, /\r\nX-User: ada\r\n/);
    assert.doesNotMatch(sent, /root|Authorization/);
  });

  test("serves others while a password is computed", async () => {
    await serve({ users: [`ada:${slowHash}`] });
    using slow = await RawClient.connect(served.port);
    slow.send(`${head("ada:wrong")}\r\n`);
    for (let count = 0; count < 5; count += 1) {
      assert.equal((await served.ask({ host: "open.test" })).status, 200);
    }
    assert.equal(slow.received, "", "it is still being computed");
    await slow.hears("401 Unauthorized\n");
  });

  test("keeps the order of requests, their bodies, and the connection", async () => {
    await serve({ users: [`ada:${quickHash}`] });
    using client = await RawClient.connect(served.port);
    const body = "Content-Length: 5\r\n\r\nhello";
    client.send(`${head("ada:no")}${body}${head("ada:test").replace("GET", "POST")}${body}`);
    client.send(`${head("ada:test")}Connection: close\r\n\r\n`);
    const statuses = (await client.hearsEnd()).match(/HTTP\/1\.1 \d+/g);
    assert.deepEqual(statuses, ["HTTP/1.1 401", "HTTP/1.1 200", "HTTP/1.1 200"]);
  });

  test("sends nothing on for who has gone meanwhile", async () => {
    await serve({ users: [`ada:${slowHash}`] });
    const before = served.asked;
    using gone = await RawClient.connect(served.port);
    gone.send(`${head("ada:test")}\r\n`);
    // The worker has it when it has answered who came later.
    await served.ask({ host: "open.test" });
    // Who only ends its side may still wait for the answer.
    gone.socket.resetAndDestroy();
    const { status } = await served.ask({ host: "closed.test", headers: authorized("ada:test") });
    assert.equal(status, 200);
    assert.equal(served.asked, before + 2);
  });
});

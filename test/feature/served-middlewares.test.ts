/** Entry-point middlewares, trees of routers and redirections, from the configuration to bytes at a socket. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { ServedConfiguration } from "../support/served-configuration.ts";

describe("a worker that serves a configuration", async () => {
  const served = await ServedConfiguration.start();
  after(() => served[Symbol.asyncDispose]());
  const app = { loadBalancer: { servers: [{ url: served.originUrl }] } };
  const header = (value: string) => ({ headers: { customRequestHeaders: { "X-From": value } } });
  const web = (...middlewares: string[]) => ({ http: { middlewares, tls: undefined } });

  test("gives routers of each provider the entry point's middleware of that provider", async () => {
    const said = (host: string, from: string) => ({
      http: {
        routers: { r: { rule: `Host(\`${host}\`)`, service: "app", middlewares: ["own"] } },
        services: { app },
        middlewares: { edge: header(from), own: { addPrefix: { prefix: "/own" } } },
      },
    });
    await served.serve({ file: said("a.test", "file"), http: said("b.test", "http") }, web("edge"));
    assert.match(
      (await served.ask({ host: "a.test" })).sent,
      /^GET \/own\/ [\s\S]*\r\nX-From: file\r/,
    );
    assert.match(
      (await served.ask({ host: "b.test" })).sent,
      /^GET \/own\/ [\s\S]*\r\nX-From: http\r/,
    );
  });

  test("answers for no router whose entry point names a middleware that does not exist", async () => {
    const routers = { r: { rule: "PathPrefix(`/`)", service: "app" } };
    await served.serve({ file: { http: { routers, services: { app } } } }, web("login"));
    const { status, sent } = await served.ask({});
    assert.deepEqual([status, sent], [404, ""]);
  });

  test("finds children by what the parent's middlewares make of the request", async () => {
    const routers = {
      api: { rule: "PathPrefix(`/api`)", middlewares: ["strip", "role"] },
      admin: {
        rule: "Path(`/users`) && Header(`X-From`, `api`)",
        parentRefs: ["api"],
        service: "app",
      },
      other: {
        rule: "PathPrefix(`/old`)",
        parentRefs: ["api"],
        middlewares: ["renew"],
        service: "app",
      },
    };
    const middlewares = {
      strip: { stripPrefix: { prefixes: ["/api"] } },
      role: header("api"),
      renew: { replacePathRegex: { regex: "^/old/(.*)", replacement: "/new/$1" } },
    };
    await served.serve({ file: { http: { routers, services: { app }, middlewares } } });
    const { sentTarget, sent } = await served.ask({ target: "/api/users?x=1" });
    assert.equal(sentTarget, "/users?x=1");
    assert.match(sent, /\r\nX-Forwarded-Prefix: \/api\r/);
    assert.equal((await served.ask({ target: "/api/old/a%2Fb" })).sentTarget, "/new/a%2Fb");
    assert.equal((await served.ask({ target: "/api/none" })).status, 404);
    assert.equal((await served.ask({ target: "/users" })).status, 404);
  });

  test("redirects to another scheme, unless a trusted proxy says that is what was used", async () => {
    const routers = { r: { rule: "PathPrefix(`/`)", service: "app" } };
    const middlewares = { secure: { redirectScheme: { scheme: "https", permanent: true } } };
    const http = { routers, services: { app }, middlewares };
    const trusting = {
      insecure: true,
      trustedIps: [],
      connection: [],
      notAppendXForwardedFor: false,
    };
    await served.serve({ file: { http } }, { ...web("secure@file"), forwardedHeaders: trusting });
    const request = { target: "/a/../b%2Fc?d=e", host: "a.test:8080" };
    const { status, received, sent } = await served.ask(request);
    assert.deepEqual([status, sent], [301, ""]);
    assert.match(
      received,
      /\r\nLocation: https:\/\/a\.test\/b%2Fc\?d=e\r\n[\s\S]*\r\n\r\nMoved Permanently$/,
    );
    const behind = { ...request, host: "a.test", headers: { "X-Forwarded-Proto": ["https"] } };
    assert.equal((await served.ask(behind)).status, 200);
    assert.equal((await served.ask({ ...request, method: "POST" })).status, 308);
  });

  test("redirects by regular expression, and to no place that is none", async () => {
    const rule = (prefix: string) => `PathPrefix(\`${prefix}\`)`;
    const routers = {
      move: { rule: rule("/move"), service: "app", middlewares: ["move"] },
      split: { rule: rule("/split"), service: "app", middlewares: ["split"] },
    };
    const regex = "^http://([^/]+)/\\w+/(.*)";
    const middlewares = {
      move: { redirectRegex: { regex, replacement: `https://new.$1/\${2}` } },
      split: { redirectRegex: { regex, replacement: "http://a.test\n/" } },
    };
    await served.serve({ file: { http: { routers, services: { app }, middlewares } } });
    const moved = await served.ask({ target: "/move/x?y=1" });
    assert.match(
      moved.received,
      /^HTTP\/1\.1 302 [\s\S]*\r\nLocation: https:\/\/new\.a\.test\/x\?y=1\r/,
    );
    assert.equal((await served.ask({ target: "/split/x" })).status, 502);
  });
});

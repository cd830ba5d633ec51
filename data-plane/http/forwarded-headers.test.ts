import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import {
  EntryPoint,
  ForwardedHeaders as Settings,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { vectors } from "../../test/support/vectors.ts";
import { DeadlineSweeper } from "../connection/deadline-sweeper.ts";
import { EntryPointRuntime } from "../entry-point/entry-point-runtime.ts";
import { RequestCounters } from "../metrics/request-counters.ts";
import { ForwardedHeaders, removeConnectionHeaders } from "./forwarded-headers.ts";
import { HeaderList } from "./header-list.ts";
import { parseRequestHead, RequestHead } from "./parse-request-head.ts";

interface ForwardedVector {
  readonly source: string;
  readonly config?: {
    readonly insecure?: boolean;
    readonly trustedIPs?: readonly string[];
    readonly connection?: readonly string[];
  };
  readonly request: {
    readonly remoteAddr?: string;
    readonly tls?: boolean;
    readonly host?: string;
    readonly headers: Readonly<Record<string, readonly string[]>>;
  };
  readonly expected: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly exactHeaders?: Readonly<Record<string, readonly string[]>>;
    readonly isWebsocket?: boolean;
  };
}

/** A request through everything that touches these headers before it is routed. */
function serve({ config = {}, request }: ForwardedVector) {
  const entryPoint = new EntryPointRuntime({
    name: "web",
    settings: EntryPoint.create({
      forwardedHeaders: Settings.create({
        insecure: config.insecure === true,
        trustedIps: [...(config.trustedIPs ?? [])],
        connection: [...(config.connection ?? [])],
      }),
    }),
    handler: { current: { handle() {} } },
    counters: new RequestCounters("web"),
    sweeper: new DeadlineSweeper(),
    log: silentLog,
  });
  const address = (request.remoteAddr ?? "").replace(/:\d+$/, "").replace(/[[\]]/g, "");
  const isTrusted = entryPoint.isTrustedPeer(address);
  const lines = Object.entries(request.headers).flatMap(([name, values]) =>
    values.map((value) => `${name}: ${value}\r\n`),
  );
  // Only HTTP/1.0 does without a host, and it has no upgrades.
  const isUpgrade = "Upgrade" in request.headers || "upgrade" in request.headers;
  const start = request.host || isUpgrade ? `1.1\r\nHost: ${request.host || "any"}` : "1.0";
  const text = `GET / HTTP/${start}\r\n${lines.join("")}\r\n`;
  const head = new RequestHead();
  const headers = new HeaderList();
  head.reset(Buffer.from(text, "latin1"), 0, text);
  assert.ok(parseRequestHead(head, headers, !isTrusted) > 0);
  removeConnectionHeaders(headers, head.connectionNames, entryPoint.keptConnectionHeaders);
  new ForwardedHeaders(address, request.tls === true).addTo(headers, head, isTrusted);
  return { headers };
}

const all = vectors<ForwardedVector>("forwarded-headers");

for (const vector of all) {
  const { expected } = vector;
  test(`forwarded headers of ${vector.source}`, () => {
    const { headers } = serve(vector);
    if (expected.isWebsocket !== undefined) {
      assert.equal(headers.get("x-forwarded-proto") === "ws", expected.isWebsocket);
    }
    for (const [name, value] of Object.entries(expected.headers ?? {})) {
      // The vector's host name is that of another machine; here it is this one's, checked below.
      if (name === "X-Forwarded-Server") continue;
      assert.equal(headers.get(name.toLowerCase()) ?? "", value, name);
    }
    if (expected.exactHeaders !== undefined) {
      // `Connection` itself is written anew: what it may say is checked on the wire.
      assert.equal(headers.has("foo"), "Foo" in expected.exactHeaders);
    }
  });
}

const request = { remoteAddr: "10.0.0.1:80", host: "a:81", headers: {} };

test("a request that brings nothing gets all of them", () => {
  const { headers } = serve({ source: "", request, expected: {} });
  const names = ["proto", "port", "server", "host"].map((name) => `x-forwarded-${name}`);
  assert.deepEqual(
    [...names, "x-real-ip", "x-forwarded-for"].map((name) => headers.get(name)),
    ["http", "81", hostname(), "a:81", "10.0.0.1", undefined],
  );
});

test("several X-Forwarded-For of a trusted peer become one, in order", () => {
  const { headers } = serve({
    source: "",
    config: { trustedIPs: ["10.0.0.0/8"] },
    request: { ...request, headers: { "X-Forwarded-For": ["1.1.1.1", "2.2.2.2, 3.3.3.3"] } },
    expected: {},
  });
  assert.equal(
    headers.lines("10.0.0.1").match(/X-Forwarded-For.*/i)?.[0],
    "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.1",
  );
});

test("a trusted peer cannot name this server", () => {
  const { headers } = serve({
    source: "",
    config: { insecure: true },
    request: { ...request, headers: { "X-Forwarded-Server": ["forged"] } },
    expected: {},
  });
  assert.equal(headers.get("x-forwarded-server"), hostname());
});

test("the prepared lines follow the host of each request", () => {
  const forwarded = new ForwardedHeaders("10.0.0.1", false);
  for (const host of ["a", "b:8080", "a"]) {
    const text = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const head = new RequestHead();
    const headers = new HeaderList();
    head.reset(Buffer.from(text), 0, text);
    parseRequestHead(head, headers, true);
    forwarded.addTo(headers, head, false);
    assert.equal(headers.get("x-forwarded-host"), host);
    assert.equal(headers.get("x-forwarded-port"), host === "a" ? "80" : "8080");
  }
});

test("IPv6 peers are matched against ranges of their family", () => {
  const vector = { source: "", request, expected: {}, config: { trustedIPs: ["fd00::/8"] } };
  const headers = { "X-Forwarded-Proto": ["https"] };
  const protoFor = (remoteAddr: string) =>
    serve({ ...vector, request: { ...request, remoteAddr, headers } }).headers.get(
      "x-forwarded-proto",
    );
  assert.equal(protoFor("[fd00::1]:80"), "https");
  assert.equal(protoFor("[fe80::1]:80"), "http");
});

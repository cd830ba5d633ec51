import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadStaticConfiguration } from "./load-static-configuration.ts";
import type { StaticConfiguration } from "./static-configuration.ts";
import { staticDigest } from "./static-digest.ts";

function load(text: string, name = "s.yml"): StaticConfiguration {
  return loadStaticConfiguration({
    flags: [`--configFile=${name}`],
    env: {},
    readFile: () => text,
    resolvePath: (path) => path,
  }).configuration;
}

const digestOf = (text: string, name?: string) => staticDigest(load(text, name));

const plain = `entryPoints: {a: {address: ":1"}, b: {address: "127.0.0.1:2"}}\n`;

describe("staticDigest()", () => {
  // A change of this value makes control planes of two versions disagree while one replaces the other.
  test("of a plain configuration never changes", () => {
    assert.equal(
      digestOf(plain),
      "45abedb0311486d70493bb616fc33690b1daeb3761a2f2e31354c0b95d169388",
    );
  });

  for (const [what, text, name] of [
    ["the order of entry points", `entryPoints: {b: {address: "127.0.0.1:2"}, a: {address: ":1"}}`],
    [
      "the form of the file",
      `[entryPoints]\na.address = ":1/tcp"\nb = { address = "127.0.0.1:2" }\n`,
      "s.toml",
    ],
    [
      "a default that is written out",
      `entryPoints:
  a: {address: ":1", asDefault: false, transport: {respondingTimeouts: {readTimeout: 1m}}}
  b: {address: "127.0.0.1:2", http: {sanitizePath: true, middlewares: []}, forwardedHeaders: {trustedIPs: []}}
serversTransport: {maxIdleConnsPerHost: 200}
`,
    ],
    [
      "what stays in the control plane",
      `${plain}log: {level: debug}\nproviders: {file: {filename: x}}\nfleet: {insecure: true}\n`,
    ],
  ] as const) {
    test(`is not changed by ${what}`, () => assert.equal(digestOf(text, name), digestOf(plain)));
  }

  test("is not changed by what is served without", () => {
    assert.equal(digestOf(plain.replace('":1"', '":1", http3: {}')), digestOf(plain));
  });

  test("is changed by every entry point, its address, its settings, and node settings", () => {
    const texts = [
      plain,
      "",
      plain.replace("a:", "c:"),
      plain.replace("127.0.0.1:2", "127.0.0.1:3"),
      plain.replace("127.0.0.1:2", "127.0.0.2:2"),
      plain.replace('":1"', '":1/udp"'),
      plain.replace('":1"', '":1", asDefault: true'),
      plain.replace('":1"', '":1", forwardedHeaders: {insecure: true}'),
      plain.replace('":1"', '":1", forwardedHeaders: {trustedIPs: [10.0.0.0/8]}'),
      plain.replace('":1"', '":1", http: {middlewares: [m@file]}'),
      plain.replace('":1"', '":1", http: {underscoreHeadersStrategy: delete}'),
      plain.replace('":1"', '":1", proxyProtocol: {insecure: true}'),
      plain.replace('":1"', '":1", http: {redirections: {entryPoint: {to: b}}}'),
      plain.replace('":1"', '":1", http: {redirections: {entryPoint: {to: ":2"}}}'),
      plain.replace('":1"', '":1", http: {redirections: {entryPoint: {to: b, permanent: false}}}'),
      plain.replace('":1"', '":1", http: {redirections: {entryPoint: {to: b, priority: 1}}}'),
      `${plain}serversTransport: {maxIdleConnsPerHost: 1}\n`,
      `${plain}tcpServersTransport: {dialTimeout: 1}\n`,
    ];
    assert.equal(new Set(texts.map((text) => digestOf(text))).size, texts.length);
  });
});

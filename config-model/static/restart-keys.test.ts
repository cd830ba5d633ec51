import assert from "node:assert/strict";
import { test } from "node:test";
import { loadStaticConfiguration } from "./load-static-configuration.ts";
import { restartKeys } from "./restart-keys.ts";
import type { StaticConfiguration } from "./static-configuration.ts";

function load(text: string): StaticConfiguration {
  return loadStaticConfiguration({
    flags: ["--configFile=s.yml"],
    env: {},
    readFile: () => text,
    resolvePath: (path) => path,
  }).configuration;
}

const everything = `
entryPoints: {web: {address: ":80"}}
providers:
  providersThrottleDuration: 1s
  precedence: [file]
  file: {filename: routes.yml, watch: false}
  etcd: {endpoints: [a:1], rootKey: r, username: u, password: p, tls: {ca: c, cert: d, key: e}}
log: {level: debug, format: json}
fleet:
  stream: {address: ":1", tls: {cert: c, key: k, clientCA: a}}
  admin: {address: ":2", tokenFile: token}
  guard: {removals: 10%}
  insecure: true
  stateDir: state
  store: {etcd: {endpoints: [b:1]}}
`;

test("restartKeys() names changed keys as they are written, and nothing that changes live", () => {
  const before = load(everything);
  const after = load(
    everything
      .replace('":80"', '":81", transport: {lifeCycle: {graceTimeOut: 1}}')
      .replace("filename: routes.yml", "directory: conf.d")
      .replace("ThrottleDuration: 1s", "ThrottleDuration: 2s")
      .replace("clientCA: a", "clientCA: b")
      .concat("serversTransport: {maxIdleConnsPerHost: 1}\n"),
  );
  assert.deepEqual(restartKeys(before, after), [
    "providers.providersThrottleDuration",
    "providers.file.filename",
    "providers.file.directory",
    "fleet.stream.tls",
  ]);
  assert.deepEqual(restartKeys(before, load(everything)), []);
});

test("restartKeys() names a provider that came or went as a whole", () => {
  const [one, other] = ["file: {filename: a}", "etcd: {}"].map((provider) => {
    return load(`providers: {${provider}}`);
  });
  assert.ok(one !== undefined && other !== undefined);
  assert.deepEqual(restartKeys(one, other), ["providers.file", "providers.etcd"]);
});

/** Every leaf of a value, changed, one at a time. */
function* mutations(value: unknown, path: string): Generator<[path: string, changed: unknown]> {
  if (typeof value !== "object" || value === null) {
    yield [path, value === undefined ? "other" : undefined];
    return;
  }
  assert.ok(!(value instanceof Map));
  for (const [name, inner] of Object.entries(value)) {
    for (const [where, changed] of mutations(inner, path === "" ? name : `${path}.${name}`)) {
      yield [where, Array.isArray(value) ? [changed] : { ...value, [name]: changed }];
    }
  }
}

test("restartKeys() misses no part of the configuration that is not changed live", () => {
  const before = load(everything);
  const { entryPoints, redirections, nodeSettings, ...fixed } = before;
  const paths: string[] = [];
  for (const [path, changed] of mutations(fixed, "")) {
    const after = { entryPoints, redirections, nodeSettings, ...(changed as typeof fixed) };
    assert.equal(restartKeys(before, after).length, 1, path);
    paths.push(path);
  }
  assert.ok(paths.length >= 20, paths.join());
});

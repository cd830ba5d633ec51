import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { vectors } from "../../../test/support/vectors.ts";
import { buildKeyTree } from "../../schema/build-key-tree.ts";
import type { KeyNode } from "../../schema/config-node.ts";
import { NodeDecoder } from "../../schema/decode-node.ts";
import { parseDuration } from "../../schema/parse-duration.ts";
import { allowEmpty, bool, int, list, map, struct, text, texts } from "../../schema/schema.ts";
import type { ProvidedKey } from "../decode-object.ts";
import { kindDefinition, sectionsByLowerName } from "../schema/dynamic-schema.ts";
import type { SourceObject } from "../source-object.ts";
import { decodeKvObject } from "./decode-kv-object.ts";
import { describeStrayKvKey, locateKvKey } from "./locate-kv-key.ts";

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

interface VectorNode {
  readonly name: string;
  readonly value?: string;
  readonly children?: readonly VectorNode[];
}

interface Vector {
  readonly source: string;
  readonly kind: "decode" | "node" | "configuration" | "watch";
  readonly rootName: string;
  readonly pairs: Readonly<Record<string, string>>;
  readonly expected?: { readonly [key: string]: Json };
  readonly expectedError?: boolean;
  readonly expectedTree?: VectorNode;
}

function treeOf({ rootName, pairs }: Vector): KeyNode {
  const sorted = Object.entries(pairs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const below = sorted.map(([key, value]) => {
    const path = key.slice(rootName.length).split("/").filter(Boolean);
    return [path, key, value] as const;
  });
  return buildKeyTree(below, rootName);
}

function isIndex(name: string): boolean {
  return /^\d+$/.test(name);
}

/** Traefik joins numbered leaves while it builds the tree, we when the schema asks for a text. */
function asVectorNode(name: string, node: KeyNode): VectorNode {
  const isLeafList =
    node.entries.length > 0 &&
    node.entries.every(
      ({ name: index, value }) =>
        isIndex(index) && value.kind === "keys" && value.entries.length === 0,
    );
  if (isLeafList) {
    const parts = node.entries.map(({ value }) => (value.kind === "keys" ? value.text : ""));
    return { name, value: parts.join(",") };
  }
  const children = node.entries.map(({ name: child, value }) => {
    assert.ok(value.kind === "keys");
    return asVectorNode(isIndex(child) ? `[${child}]` : child, value);
  });
  return {
    name,
    ...(node.text === undefined ? {} : { value: node.text }),
    ...(children.length === 0 ? {} : { children }),
  };
}

/** Everything the vector expects is in what was decoded, whatever types the table gives it. */
function assertHolds(actual: unknown, expected: Json, path: string): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual) && actual.length === expected.length, path);
    for (const [index, item] of expected.entries()) {
      assertHolds(actual[index], item, `${path}[${index}]`);
    }
  } else if (typeof expected === "object" && expected !== null) {
    assert.ok(typeof actual === "object" && actual !== null, `${path} is missing`);
    for (const [name, value] of Object.entries(expected)) {
      const inner = actual instanceof Map ? actual.get(name) : Reflect.get(actual, name);
      assertHolds(inner, value, `${path}.${name}`);
    }
  } else if (typeof actual === "number" && typeof expected === "string") {
    assert.equal(actual, parseDuration(expected), path);
  } else {
    assert.equal(typeof actual === "bigint" ? Number(actual) : actual, expected, path);
  }
}

describe("the key-value decoder on Traefik's vectors", () => {
  /** The schema the vectors of kind `decode` are written for. */
  const schema = struct({
    fieldA: text(),
    fieldB: int(),
    fieldC: bool(),
    fieldD: texts(),
    fieldE: allowEmpty({ name: text() }),
    fieldF: map(text()),
    fieldG: list(struct({ name: text() })),
    fieldH: text(),
  });

  for (const vector of vectors<Vector>("kv-decode")) {
    if (vector.kind === "decode") {
      test(`decodes ${vector.source}`, () => {
        const decoder = new NodeDecoder("test");
        const actual = decoder.decode(schema, treeOf(vector));
        assert.deepEqual(decoder.problems, []);
        const lowerFirst = (json: Json): Json => {
          if (Array.isArray(json)) return json.map(lowerFirst);
          if (typeof json !== "object" || json === null) return json;
          return Object.fromEntries(
            Object.entries(json).map(([name, value]) => [
              /^(Field|Name)/.test(name) ? name[0]?.toLowerCase() + name.slice(1) : name,
              lowerFirst(value),
            ]),
          );
        };
        assertHolds(actual, lowerFirst(vector.expected ?? {}), "");
      });
    }
    if (vector.kind === "node" && vector.expectedError === false) {
      test(`builds the tree of ${vector.source}`, () => {
        const name = vector.rootName;
        assert.deepEqual(asVectorNode(name, treeOf(vector)), vector.expectedTree);
      });
    }
    if (vector.kind === "configuration") {
      test(`decodes all objects of ${vector.source}`, () => {
        for (const [section, collections] of Object.entries(vector.expected ?? {})) {
          assertSection(vector, section, collections);
        }
      });
    }
  }

  function assertSection(vector: Vector, section: string, collections: Json): void {
    assert.ok(typeof collections === "object" && collections !== null);
    for (const [collection, objects] of Object.entries(collections)) {
      assert.ok(typeof objects === "object" && objects !== null);
      for (const [name, whole] of Object.entries<Json>(objects)) {
        const expected = withoutEmbedding(whole);
        const prefix = `${vector.rootName}/${section}/${collection}/${name}/`;
        const pairs = Object.entries(vector.pairs).filter(([key]) => key.startsWith(prefix));
        const location = locateKvKey(`${section}/${collection}/${name}/x`);
        assert.ok(location !== undefined && pairs.length > 0, prefix);
        const decoder = new NodeDecoder(prefix);
        const tree = treeOf({ ...vector, rootName: prefix, pairs: Object.fromEntries(pairs) });
        const actual = decoder.decode(kindDefinition(location.key.kind).schema, tree);
        // Traefik finds an unknown strategy one step later.
        const problems = decoder.problems.filter(({ message }) => !message.includes("strategy"));
        assert.deepEqual(problems, []);
        assertHolds(actual, withoutStrategy(expected), prefix);
      }
    }
  }

  /** Certificate and key are a struct of their own there, which has no key of its own. */
  function withoutEmbedding(json: Json): Json {
    if (typeof json !== "object" || json === null || !("Certificate" in json)) return json;
    const { Certificate: pair, ...rest } = json;
    return { ...(pair as Record<string, Json>), ...rest };
  }

  function withoutStrategy(json: Json): Json {
    if (Array.isArray(json)) return json.map(withoutStrategy);
    if (typeof json !== "object" || json === null) return json;
    return Object.fromEntries(
      Object.entries(json)
        .filter(([name]) => name !== "strategy")
        .map(([name, value]) => [name, withoutStrategy(value)]),
    );
  }
});

/** The object of these keys, below its place. */
function decodePairs(
  key: ProvidedKey,
  pairs: Readonly<Record<string, string>>,
  place: string,
): SourceObject {
  const full = Object.entries(pairs).map(([rest, value]) => {
    return { key: rest === "" ? place : `${place}/${rest}`, rest, value };
  });
  return decodeKvObject(key, full, place);
}

function decodeRouter(pairs: Readonly<Record<string, string>>): SourceObject {
  return decodePairs({ kind: "httpRouter", name: "r1" }, pairs, "traefik/http/routers/r1");
}

function decodeService(pairs: Readonly<Record<string, string>>): SourceObject {
  return decodePairs({ kind: "httpService", name: "s1" }, pairs, "traefik/http/services/s1");
}

function said({ problems }: SourceObject): readonly string[] {
  return problems.map(({ source, message, hint }) =>
    [`${source.location}: ${message}`, ...(hint === undefined ? [] : [hint])].join(", "),
  );
}

describe("decodeKvObject()", () => {
  test("decodes a router with every built key", () => {
    const { config, problems, source } = decodeRouter({
      rule: "Host(`a.example`)",
      Service: "s1",
      "entryPoints/0": "web",
      "entryPoints/1": "alt",
      middlewares: " a , b ",
      priority: "9223372036854774807",
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(source, { provider: "etcd", location: "traefik/http/routers/r1" });
    assert.deepEqual(config, {
      kind: "httpRouter",
      entryPoints: ["web", "alt"],
      middlewares: ["a", "b"],
      service: "s1",
      rule: "Host(`a.example`)",
      priority: 9_223_372_036_854_774_807n,
      parentRefs: [],
      tls: undefined,
      hasObservability: false,
      unbuilt: [],
    });
  });

  test("takes numbered keys in the order of strings, and closes gaps", () => {
    const pairs: Record<string, string> = {};
    for (const number of [0, 1, 2, 10, 11, 30]) {
      pairs[`loadBalancer/servers/${number}/url`] = `http://10.0.0.${number}`;
    }
    const { config } = decodeService(pairs);
    assert.ok(config?.kind === "httpService");
    assert.deepEqual(
      config.loadBalancer?.servers.map(({ url }) => url.slice(14)),
      ["0", "1", "10", "11", "2", "30"],
    );
  });

  test("applies Traefik's defaults", () => {
    const { config } = decodeService({ "loadbalancer/servers/0/url": "http://10.0.0.1" });
    assert.deepEqual(config, {
      kind: "httpService",
      loadBalancer: {
        servers: [{ url: "http://10.0.0.1", weight: 1, preservePath: false }],
        passHostHeader: true,
        flushIntervalMs: 100,
      },
      unbuilt: [],
    });
  });

  test("reads durations as seconds or Go durations", () => {
    for (const [written, ms] of [
      ["2", 2_000],
      ["1m30s", 90_000],
      ["-1ms", -1],
    ] as const) {
      const { config } = decodeService({
        "loadBalancer/servers/0/url": "http://10.0.0.1",
        "loadBalancer/responseForwarding/flushInterval": written,
      });
      assert.ok(config?.kind === "httpService");
      assert.equal(config.loadBalancer?.flushIntervalMs, ms);
    }
  });

  test("tells what is valid and not built from what is wrong", () => {
    const { config, problems } = decodeService({
      "loadBalancer/servers/0/url": "http://10.0.0.1",
      "loadBalancer/sticky/cookie/name": "c",
      "loadBalancer/healthCheck/path": "/health",
      "loadBalancer/strategy": "wrr",
      "middlewares/0": "auth",
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(config?.unbuilt, [
      { path: "loadBalancer.healthCheck", effect: "degraded" },
      { path: "loadBalancer.sticky", effect: "degraded" },
      { path: "middlewares", effect: "closed" },
    ]);
  });

  test("checks keys below what is not built", () => {
    const object = decodeRouter({
      rule: "Path(`/`)",
      service: "s",
      "observability/metricz": "x",
    });
    assert.deepEqual(said(object), [
      'traefik/http/routers/r1/observability/metricz: Unknown key "metricz" in observability of router "r1", did you mean "metrics"?',
    ]);
    assert.equal(object.config, undefined);
  });

  for (const [value, expected] of [
    ["true", { options: "x" }],
    ["", { options: "x" }],
    ["TRUE", { options: "x" }],
    ["false", undefined],
  ] as const) {
    test(`an allow-empty key with value "${value}" is ${expected === undefined ? "off" : "on"}`, () => {
      const { config, problems } = decodeRouter({
        rule: "Path(`/`)",
        tls: value,
        "tls/options": "x",
      });
      assert.deepEqual(problems, []);
      assert.ok(config?.kind === "httpRouter");
      assert.deepEqual(config.tls, expected);
      assert.deepEqual(config.unbuilt, []);
    });
  }

  test("warns about a value that switches an allow-empty key off by accident", () => {
    const object = decodeRouter({ rule: "Path(`/`)", tls: "yes" });
    assert.deepEqual(said(object), [
      'traefik/http/routers/r1/tls: Value "yes" switches tls of router "r1" off, write true to switch it on',
    ]);
    assert.ok(object.config?.kind === "httpRouter");
    assert.equal(object.config.tls, undefined);
  });

  test("of keys that differ in case the last gives the value, a list as a whole", () => {
    const place = "traefik/http/routers";
    const object = (pairs: Readonly<Record<string, string>>) => {
      const full = Object.entries(pairs).map(([key, value]) => {
        return { key: `${place}/${key}`, rest: key.slice(2), value };
      });
      return decodeKvObject({ kind: "httpRouter", name: "A" }, full, `${place}/A`);
    };
    const config = object({
      "A/rule": "upper",
      "a/rule": "lower",
      "A/Service": "first",
      "A/service": "last",
      "A/entryPoints/0": "one",
      "A/entryPoints/1": "two",
      "a/entryPoints/0": "three",
      "A/middlewares": "plain",
      "a/middlewares/0": "listed",
    }).config;
    assert.ok(config?.kind === "httpRouter");
    assert.deepEqual(
      [config.rule, config.service, config.entryPoints, config.middlewares],
      ["lower", "last", ["three"], ["listed"]],
    );
    const { config: plainLast } = object({ "A/middlewares/0": "listed", "a/middlewares": "plain" });
    assert.ok(plainLast?.kind === "httpRouter");
    assert.deepEqual(plainLast.middlewares, ["plain"]);
    const { problems } = object({ "A/priority": "1", "a/priority": "x" });
    assert.deepEqual(
      problems.map(({ source }) => source.location),
      [`${place}/a/priority`],
    );
  });

  test("names of digits and status codes as names work", () => {
    const key = { kind: "httpMiddleware", name: "404" } as const;
    const pairs = { "errors/statusRewrites/404": "200", "errors/service": "s" };
    const { config, problems } = decodePairs(key, pairs, "traefik/http/middlewares/404");
    assert.deepEqual(problems, []);
    assert.deepEqual(config?.unbuilt, [{ path: "errors", effect: "closed" }]);
  });

  test("header names keep their spelling, and an empty value stays", () => {
    const key = { kind: "httpMiddleware", name: "h" } as const;
    const pairs = {
      "headers/customRequestHeaders/X-Remove": "",
      "headers/customResponseHeaders/x-Set": "a,b",
    };
    const { config } = decodePairs(key, pairs, "traefik/http/middlewares/h");
    assert.deepEqual(config, {
      kind: "httpMiddleware",
      headers: {
        customRequestHeaders: new Map([["X-Remove", ""]]),
        customResponseHeaders: new Map([["x-Set", "a,b"]]),
      },
      unbuilt: [],
    });
  });

  for (const [pairs, expected] of [
    [
      { rulee: "x" },
      ['traefik/http/routers/r1/rulee: Unknown key "rulee" in router "r1", did you mean "rule"?'],
    ],
    [
      { zzz: "x" },
      [
        'traefik/http/routers/r1/zzz: Unknown key "zzz" in router "r1", valid are entryPoints, middlewares, service, rule, parentRefs, ruleSyntax, priority, tls, observability',
      ],
    ],
    [
      { priority: "high" },
      [
        'traefik/http/routers/r1/priority: Invalid value "high" for priority of router "r1": expected a whole number between -9223372036854775808 and 9223372036854775807',
      ],
    ],
    [
      { priority: "9223372036854775808" },
      [
        'traefik/http/routers/r1/priority: Invalid value "9223372036854775808" for priority of router "r1": expected a whole number between -9223372036854775808 and 9223372036854775807',
      ],
    ],
    [
      { "": "x" },
      [
        'traefik/http/routers/r1: Invalid router "r1": expected keys below it, found a single value',
      ],
    ],
    [
      { "rule/a": "x" },
      [
        'traefik/http/routers/r1/rule/a: Invalid rule of router "r1": expected a text, found keys below it',
      ],
    ],
    [
      { observability: "true" },
      [
        'traefik/http/routers/r1/observability: Invalid observability of router "r1": expected keys below it, found a single value',
      ],
    ],
    [
      { "observability/traceVerbosity": "loud" },
      [
        'traefik/http/routers/r1/observability/traceVerbosity: Invalid value "loud" for observability.traceVerbosity of router "r1": valid are minimal, detailed',
      ],
    ],
  ] as const) {
    test(`says what is wrong with ${JSON.stringify(pairs)}`, () => {
      const object = decodeRouter(pairs as Readonly<Record<string, string>>);
      assert.deepEqual(said(object), expected);
      assert.equal(object.config, undefined);
    });
  }

  for (const [pairs, expected] of [
    [
      { "loadBalancer/servers/0/weight": "-", "loadBalancer/servers/1/urll": "x" },
      [
        'traefik/http/services/s1/loadBalancer/servers/0/weight: Invalid value "-" for loadBalancer.servers[0].weight of service "s1": expected a whole number between -2147483647 and 2147483647',
        'traefik/http/services/s1/loadBalancer/servers/1/urll: Unknown key "urll" in loadBalancer.servers[1] of service "s1", did you mean "url"?',
      ],
    ],
    [
      { "loadBalancer/passHostHeader": "yes" },
      [
        'traefik/http/services/s1/loadBalancer/passHostHeader: Invalid value "yes" for loadBalancer.passHostHeader of service "s1": expected true or false',
      ],
    ],
    [
      { "loadBalancer/servers/0/url": "http://a", "weighted/services/0/name": "x" },
      [
        'traefik/http/services/s1: Service "s1" has several types: loadBalancer, weighted, give each a name of its own',
      ],
    ],
    [
      { "loadBalancer/servers": "http://a" },
      [
        'traefik/http/services/s1/loadBalancer/servers: Invalid loadBalancer.servers of service "s1": expected a list, found a single value',
      ],
    ],
    [
      { "loadBalancer/servers/first/url": "http://a" },
      [
        'traefik/http/services/s1/loadBalancer/servers/first/url: Unknown key "first" in loadBalancer.servers of service "s1", its items are numbered from 0',
      ],
    ],
  ] as const) {
    test(`says all that is wrong with ${JSON.stringify(pairs)}`, () => {
      assert.deepEqual(said(decodeService(pairs as Readonly<Record<string, string>>)), expected);
    });
  }

  test("an object of a kind that is not built is known and closed", () => {
    const key = { kind: "tcpServersTransport", name: "t" } as const;
    const place = "traefik/tcp/serversTransports/t";
    const { config } = decodePairs(key, { dialTimeout: "1s" }, place);
    assert.equal(config?.kind, "tcpServersTransport");
    assert.deepEqual(config.unbuilt, [{ path: "", effect: "closed" }]);
  });

  test("shortens what it quotes", () => {
    const [message = ""] = said(decodeRouter({ priority: "x".repeat(10_000) }));
    assert.match(message, /"x{80}\.\.\." for priority/);
  });

  test("never throws and always places its problems", () => {
    const fragment = fc.constantFrom(
      "loadBalancer",
      "servers",
      "0",
      "1",
      "url",
      "weight",
      "sticky",
      "cookie",
      "healthCheck",
      "headers",
      "",
      "x",
      "__proto__",
      "constructor",
      "toString",
    );
    const path = fc.array(fragment, { maxLength: 6 }).map((parts) => parts.join("/"));
    const value = fc.oneof(fc.constantFrom("", "true", "false", "1", "a,b"), fc.string());
    fc.assert(
      fc.property(fc.dictionary(path, value, { noNullPrototype: true }), (pairs) => {
        const { config, problems } = decodeService(pairs);
        const broken = problems.some(({ severity }) => severity === "error");
        assert.equal(config === undefined, broken);
        for (const { source, message } of problems) {
          assert.ok(source.location.startsWith("traefik/http/services/s1"), message);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("locateKvKey()", () => {
  for (const [relativeKey, kind, name, rest] of [
    ["http/routers/r1/rule", "httpRouter", "r1", "rule"],
    ["HTTP/ROUTERS/R1/Rule", "httpRouter", "R1", "Rule"],
    ["http//routers/r1//rule/", "httpRouter", "r1", "rule/"],
    [
      "http/services/s1/loadBalancer/servers/0/url",
      "httpService",
      "s1",
      "loadBalancer/servers/0/url",
    ],
    ["http/routers/r1", "httpRouter", "r1", ""],
    ["http/routers/123/rule", "httpRouter", "123", "rule"],
    ["tcp/serversTransports/t/dialTimeout", "tcpServersTransport", "t", "dialTimeout"],
    [
      "udp/services/u/loadBalancer/servers/0/address",
      "udpService",
      "u",
      "loadBalancer/servers/0/address",
    ],
    ["tls/certificates/0/certFile", "tlsCertificate", "0", "certFile"],
  ] as const) {
    test(`finds the object of ${relativeKey}`, () => {
      assert.deepEqual(locateKvKey(relativeKey), { key: { kind, name }, rest });
    });
  }

  for (const key of [
    "",
    "acme/x",
    "http",
    "http/",
    "http/routers",
    "http/routers/",
    "httpfoo/routers/a/rule",
    "http/routerz/a/rule",
  ]) {
    test(`finds no object for "${key}"`, () => {
      assert.equal(locateKvKey(key), undefined);
    });
  }

  test("knows every collection of the table", () => {
    for (const [section, { collections }] of sectionsByLowerName) {
      for (const { name: collection, definition } of collections.values()) {
        assert.equal(locateKvKey(`${section}/${collection}/n/x`)?.key.kind, definition.kind);
      }
    }
  });
});

describe("describeStrayKvKey()", () => {
  for (const [relativeKey, message, hint] of [
    ["http/routerz/a/rule", 'Unknown key "routerz" in http', 'did you mean "routers"?'],
    ["udp/middlewares/a/x", 'Unknown key "middlewares" in udp', "valid are routers, services"],
    [
      "http/routers",
      'Key "traefik/http/routers" names no object',
      "a name and its keys follow, like http/routers/NAME/...",
    ],
  ] as const) {
    test(`explains ${relativeKey}`, () => {
      const stray = describeStrayKvKey(relativeKey, `traefik/${relativeKey}`);
      assert.deepEqual([stray?.message, stray?.hint], [message, hint]);
    });
  }

  test("passes over keys that are somebody else's", () => {
    for (const key of ["acme/account", "leader", "httpfoo/x"]) {
      assert.equal(describeStrayKvKey(key, `traefik/${key}`), undefined);
    }
  });
});

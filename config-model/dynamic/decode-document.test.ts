import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { staticRootNames } from "../static/schema/static-root-names.ts";
import { type DecodedDocument, decodeDocument } from "./decode-document.ts";
import { type Diagnostic, formatPosition } from "./diagnostic.ts";
import type { DynamicObject } from "./dynamic-object.ts";
import { sectionsByLowerName } from "./schema/dynamic-schema.ts";

function told({ source, message, hint }: Diagnostic): string {
  return `${formatPosition(source)}: ${message}${hint === undefined ? "" : `, ${hint}`}`;
}

/** Everything that is wrong, objects' own problems first. */
function allTold({ objects, problems }: DecodedDocument): readonly string[] {
  const own = [...objects.values()].flatMap(({ object }) => object.problems);
  return [...own, ...problems].map(told);
}

function configs({
  objects,
}: DecodedDocument): Readonly<Record<string, DynamicObject | undefined>> {
  return Object.fromEntries([...objects].map(([id, { object }]) => [id, object.config]));
}

const everything = `
http:
  routers:
    r1:
      rule: Host(\`a.example\`) && PathPrefix(\`/\`)
      entryPoints: [web]
      middlewares:
        - m1
        - m2@file
      service: s1
      priority: 9223372036854774807
  services:
    s1:
      loadBalancer:
        servers:
          - url: http://10.0.0.1:8080
            weight: 3
          - url: http://10.0.0.2
        passHostHeader: false
        responseForwarding:
          flushInterval: -1
  middlewares:
    m1: {addPrefix: {prefix: /a}}
    m2: {stripPrefix: {prefixes: [/b, /c], forceSlash: true}}
    m3: {headers: {customRequestHeaders: {X-A: 1, X-B: ""}}}
    m4: {chain: {middlewares: "m1, m2"}}
tcp:
  routers:
    t1: {rule: "HostSNI(\`*\`)", service: ts}
  services:
    ts: {loadBalancer: {servers: [{address: "10.0.0.1:5432"}]}}
`;

const everythingToml = `
[http.routers.r1]
rule = 'Host(\`a.example\`) && PathPrefix(\`/\`)'
entryPoints = ["web"]
middlewares = ["m1", "m2@file"]
service = "s1"
priority = 9223372036854774807

[http.services.s1.loadBalancer]
passHostHeader = false
responseForwarding = { flushInterval = "-1s" }
[[http.services.s1.loadBalancer.servers]]
url = "http://10.0.0.1:8080"
weight = 3
[[http.services.s1.loadBalancer.servers]]
url = "http://10.0.0.2"

[http.middlewares]
m1.addPrefix.prefix = "/a"
m2.stripPrefix = { prefixes = ["/b", "/c"], forceSlash = true }
m3.headers.customRequestHeaders = { X-A = 1, X-B = "" }
m4.chain.middlewares = "m1, m2"

[tcp.routers.t1]
rule = "HostSNI(\`*\`)"
service = "ts"
[[tcp.services.ts.loadBalancer.servers]]
address = "10.0.0.1:5432"
`;

const expectedConfigs: Readonly<Record<string, DynamicObject>> = {
  "httpRouter:r1": {
    kind: "httpRouter",
    entryPoints: ["web"],
    middlewares: ["m1", "m2@file"],
    service: "s1",
    rule: "Host(`a.example`) && PathPrefix(`/`)",
    priority: 9_223_372_036_854_774_807n,
    parentRefs: [],
    tls: undefined,
    hasObservability: false,
    unbuilt: [],
  },
  "httpService:s1": {
    kind: "httpService",
    loadBalancer: {
      servers: [
        { url: "http://10.0.0.1:8080", weight: 3, preservePath: false },
        { url: "http://10.0.0.2", weight: 1, preservePath: false },
      ],
      passHostHeader: false,
      flushIntervalMs: -1_000,
    },
    unbuilt: [],
  },
  "httpMiddleware:m1": { kind: "httpMiddleware", addPrefix: { prefix: "/a" }, unbuilt: [] },
  "httpMiddleware:m2": {
    kind: "httpMiddleware",
    stripPrefix: { prefixes: ["/b", "/c"] },
    unbuilt: [],
  },
  "httpMiddleware:m3": {
    kind: "httpMiddleware",
    headers: {
      customRequestHeaders: new Map([
        ["X-A", "1"],
        ["X-B", ""],
      ]),
      customResponseHeaders: new Map(),
    },
    unbuilt: [],
  },
  "httpMiddleware:m4": {
    kind: "httpMiddleware",
    chain: { middlewares: ["m1", "m2"] },
    unbuilt: [],
  },
  "tcpRouter:t1": {
    kind: "tcpRouter",
    entryPoints: undefined,
    service: "ts",
    rule: "HostSNI(`*`)",
    priority: 0n,
    tls: undefined,
    unbuilt: [],
  },
  "tcpService:ts": {
    kind: "tcpService",
    loadBalancer: { servers: [{ address: "10.0.0.1:5432" }] },
    unbuilt: [],
  },
};

describe("decodeDocument()", () => {
  for (const [path, text] of [
    ["routes.yml", everything],
    ["routes.toml", everythingToml],
  ] as const) {
    test(`decodes every built kind from ${path}`, () => {
      const decoded = decodeDocument(text, path);
      assert.deepEqual(allTold(decoded), []);
      assert.deepEqual(configs(decoded), expectedConfigs);
      assert.ok(decoded.complete && !decoded.silent);
    });
  }

  test("says where each object stands", () => {
    const { objects } = decodeDocument(everything, "routes.yml");
    const position = (id: string) => {
      const object = objects.get(id)?.object;
      return object && formatPosition(object.source);
    };
    assert.equal(position("httpRouter:r1"), "routes.yml:4:5");
    assert.equal(position("httpMiddleware:m2"), "routes.yml:24:5");
    const toml = decodeDocument(everythingToml, "routes.toml").objects;
    const router = toml.get("httpRouter:r1")?.object;
    assert.equal(router && formatPosition(router.source), "routes.toml:2:1");
    const service = toml.get("tcpService:ts")?.object;
    assert.equal(service && formatPosition(service.source), "routes.toml:27:1");
  });

  test("field names are case-insensitive, names of objects are not", () => {
    const decoded = decodeDocument(
      "HTTP:\n  Routers:\n    A: {RULE: x}\n    a: {rule: y}\n",
      "f.yml",
    );
    assert.deepEqual(allTold(decoded), []);
    assert.deepEqual([...decoded.objects.keys()], ["httpRouter:A", "httpRouter:a"]);
  });

  test("passes over the static part of a file", () => {
    const text =
      "entryPoints: {web: {adress: 1}}\nlog: 5\nfleet: {}\nhttp: {routers: {a: {rule: x}}}\n";
    const decoded = decodeDocument(text, "switchyard.yml");
    assert.deepEqual(allTold(decoded), []);
    assert.deepEqual([...decoded.objects.keys()], ["httpRouter:a"]);
  });

  test("TLS of TCP routers: an empty one is one", () => {
    const text = `
tcp:
  routers:
    a: { rule: HostSNI(\`a\`), service: s, tls: {} }
    b: { rule: HostSNI(\`b\`), service: s, tls: { options: strict, passthrough: true } }
    c: { rule: HostSNI(\`*\`), service: s }
`;
    const decoded = decodeDocument(text, "f.yml");
    assert.deepEqual(allTold(decoded), []);
    const tlsOf = (name: string) => {
      const config = decoded.objects.get(`tcpRouter:${name}`)?.object.config;
      return config?.kind === "tcpRouter" ? config.tls : "no TCP router";
    };
    assert.deepEqual(tlsOf("a"), { options: undefined, passthrough: false });
    assert.deepEqual(tlsOf("b"), { options: "strict", passthrough: true });
    assert.equal(tlsOf("c"), undefined);
  });

  test("protocols of TLS options: the default list says nothing", () => {
    const text = `
tls:
  options:
    a: { sniStrict: true }
    b: { alpnProtocols: [h2, http/1.1, acme-tls/1] }
    c: { alpnProtocols: [mqtt, h2] }
`;
    const { objects } = decodeDocument(text, "f.yml");
    const protocolsOf = (name: string) => {
      const config = objects.get(`tlsOptions:${name}`)?.object.config;
      return config?.kind === "tlsOptions" ? config.alpnProtocols : "no TLS options";
    };
    assert.deepEqual(["a", "b", "c"].map(protocolsOf), [[], [], ["mqtt", "h2"]]);
  });

  test("knows anchors, aliases and merge keys", () => {
    const text = `
http:
  routers:
    a: &base {rule: x, service: s, priority: 5}
    b: {<<: *base, priority: 7}
    c: *base
`;
    const all = configs(decodeDocument(text, "f.yml"));
    const { "httpRouter:a": a, "httpRouter:b": b, "httpRouter:c": c } = all;
    assert.ok(a?.kind === "httpRouter" && b?.kind === "httpRouter");
    assert.deepEqual(b, { ...a, priority: 7n });
    assert.deepEqual(c, a);
  });

  test("texts that YAML takes for something else stay texts", () => {
    const values = {
      yes: "yes",
      on: "on",
      "0x10": "16",
      "1.50": "1.50",
      TRUE: "true",
      "012": "012",
    };
    const list = Object.keys(values)
      .map((value, index) => `X-${index}: ${value}`)
      .join(", ");
    const text = `http: {middlewares: {m: {headers: {customRequestHeaders: {${list}}}}}}`;
    const { "httpMiddleware:m": config } = configs(decodeDocument(text, "f.yml"));
    assert.ok(config?.kind === "httpMiddleware");
    const read = [...(config.headers?.customRequestHeaders.values() ?? [])];
    assert.deepEqual(read, Object.values(values));
  });

  for (const [text, expected] of [
    [
      "http:\n  routers: [\n",
      "f.yml:3:1: Cannot read f.yml: a bracket, brace or quote before is not closed, or this line needs more spaces in front",
    ],
    [
      "http:\n  routers:\n    a: 'x\n",
      "f.yml:4:1: Cannot read f.yml: a bracket, brace or quote before is not closed, or this line needs more spaces in front",
    ],
    [
      "http:\n\trouters:\n",
      "f.yml:2:1: Cannot read f.yml: tab characters must not be used in indentation",
    ],
    [
      "http: {}\n---\nb: [\n",
      "f.yml:4:1: Cannot read f.yml: a bracket, brace or quote before is not closed, or this line needs more spaces in front",
    ],
    [
      "http: &a {}\n---\nhttp: *a\n",
      'f.yml:3:8: Cannot read f.yml: alias "a" names no anchor before it',
    ],
    ["http: *nowhere\n", 'f.yml:1:8: Cannot read f.yml: alias "nowhere" names no anchor before it'],
    ["http: !!binary aGk=\n", "f.yml:1:7: Cannot read f.yml: tag !!binary is not supported"],
    ["? [a]\n: b\n", "f.yml:1:3: Cannot read f.yml: a key must be a text"],
  ] as const) {
    test(`names file, line and column of ${JSON.stringify(text)}`, () => {
      const decoded = decodeDocument(text, "f.yml");
      assert.deepEqual(allTold(decoded), [expected]);
      assert.equal(decoded.problems[0]?.code, "syntax");
      assert.ok(!decoded.complete && decoded.objects.size === 0);
    });
  }

  test("names line and column of broken TOML", () => {
    const [problem] = decodeDocument("[http\nx = 1\n", "f.toml").problems;
    assert.ok(problem !== undefined);
    assert.match(told(problem), /^f\.toml:1:\d+: Cannot read f\.toml: /);
    assert.doesNotMatch(problem.message, /\n/);
  });

  for (const [text, ...expected] of [
    ["htp: {}", 'f.yml:1:1: Unknown key "htp" in the file, did you mean "http"?'],
    ["http:\n  router: {}", 'f.yml:2:3: Unknown key "router" in http, did you mean "routers"?'],
    ['http: {routers: {"": {rule: x}}}', "f.yml:1:18: Empty name in http.routers"],
    ["http: [1]", "f.yml:1:7: Invalid http: expected keys below it"],
    ["http:\n  routers: x", "f.yml:2:12: Invalid http.routers: expected keys below it"],
    ["http: {}\nHttp: {}", 'f.yml:2:1: Key "Http" is given twice in the file'],
    ["tls:\n  certificates: {a: {}}", "f.yml:2:17: Invalid tls.certificates: expected a list"],
  ] as const) {
    test(`a mistake outside of objects may hide objects: ${JSON.stringify(text)}`, () => {
      const decoded = decodeDocument(text, "f.yml");
      assert.deepEqual(allTold(decoded), expected);
      assert.equal(decoded.complete, false);
    });
  }

  for (const [router, ...expected] of [
    ["{rulee: x}", 'f.yml:4:8: Unknown key "rulee" in router "bad", did you mean "rule"?'],
    ["{rule: [a, b]}", 'f.yml:4:14: Invalid rule of router "bad": expected a text, found a list'],
    [
      "{rule: {a: b}}",
      'f.yml:4:14: Invalid rule of router "bad": expected a text, found keys below it',
    ],
    [
      "{priority: 1.5}",
      'f.yml:4:18: Invalid value "1.5" for priority of router "bad": expected a whole number between -9223372036854775808 and 9223372036854775807',
    ],
    [
      "{middlewares: {a: b}}",
      'f.yml:4:21: Invalid middlewares of router "bad": expected a list, found keys below it',
    ],
    ["{rule: x, rule: y}", 'f.yml:4:17: Key "rule" is given twice in router "bad"'],
    ["{rule: x, Rule: y}", 'f.yml:4:17: Key "Rule" is given twice in router "bad"'],
    ["[1]", 'f.yml:4:7: Invalid router "bad": expected keys below it, found a list'],
    ["{}", 'f.yml:4:7: Invalid router "bad": expected keys below it, found nothing'],
    ["~", 'f.yml:3:5: Router "bad" is empty'],
  ] as const) {
    test(`a broken object harms no other: ${JSON.stringify(router)}`, () => {
      const text = `http:\n  routers:\n    bad:\n      ${router}\n    good: {rule: x}\n`;
      const decoded = decodeDocument(text, "f.yml");
      assert.deepEqual(allTold(decoded), expected);
      const { "httpRouter:bad": bad, "httpRouter:good": good } = configs(decoded);
      assert.equal(bad, undefined);
      assert.ok(good?.kind === "httpRouter" && decoded.complete);
    });
  }

  test("of two objects of one name the first counts, and mistakes of the second are told too", () => {
    const twice = `
http:
  routers:
    a: {rule: x}
    A: {rule: z}
    a: {rule: y, rulee: q}
`;
    const decoded = decodeDocument(twice, "f.yml");
    assert.deepEqual(allTold(decoded), [
      'f.yml:6:5: Name "a" is given twice; the first, in line 4, counts, give it another name',
      'f.yml:6:18: Unknown key "rulee" in router "a", did you mean "rule"?',
    ]);
    assert.ok(decoded.complete);
    const rules = Object.values(configs(decoded)).map(
      (one) => one?.kind === "httpRouter" && one.rule,
    );
    assert.deepEqual(rules, ["x", "z"]);
  });

  test("several documents of a file are read in order", () => {
    const text = `# first
http:
  routers:
    a: {rule: x}
---
---
tls: {certificates: [{certFile: a, keyFile: a}]}
...
---
http:
  routers:
    a: {rule: y}
    b: {rulee: x}
tls: {certificates: [{certFile: b, keyFile: b}]}
---
log: {}
other: {}
`;
    const decoded = decodeDocument(text, "f.yml");
    assert.deepEqual(allTold(decoded), [
      'f.yml:13:9: Unknown key "rulee" in router "b", did you mean "rule"?',
      'f.yml:12:5: Name "a" is given twice; the first, in line 4, counts, give it another name',
      `f.yml:17:1: Unknown key "other" in the file, valid are ${[...sectionsByLowerName.keys(), ...staticRootNames].join(", ")}`,
    ]);
    assert.equal(decoded.complete, false);
    assert.deepEqual(
      [...decoded.objects.keys()],
      ["httpRouter:a", "tlsCertificate:0", "httpRouter:b", "tlsCertificate:1"],
    );
    const a = decoded.objects.get("httpRouter:a")?.object;
    assert.ok(a?.config?.kind === "httpRouter");
    assert.deepEqual([a.config.rule, a.source.line], ["x", 4]);
  });

  test("an empty list or the default of a key that is not built needs nothing that is not built", () => {
    const router = "{rule: x, parentRefs: [], ruleSyntax: v3, tls: false, observability: ~}";
    const { "httpRouter:a": a } = configs(
      decodeDocument(`http: {routers: {a: ${router}}}`, "f.yml"),
    );
    assert.deepEqual(a?.unbuilt, []);
  });

  test("a middleware or service needs exactly one type", () => {
    const text = `
http:
  middlewares:
    none: {headers: ~}
    two: {addPrefix: {prefix: /a}, compress: {}}
  services:
    none: {middlewares: [a]}
    bare: {loadBalancer: {}}
`;
    assert.deepEqual(
      allTold(decodeDocument(text, "f.yml")).map((line) => line.split(", valid")[0]),
      [
        'f.yml:4:5: Middleware "none" has no type',
        'f.yml:5:5: Middleware "two" has several types: addPrefix, compress, give each a name of its own',
        'f.yml:7:5: Service "none" has no type',
        'f.yml:8:26: Invalid loadBalancer of service "bare": expected keys below it, found nothing',
      ],
    );
  });

  test("a file that says nothing is silent, one that says there is nothing is not", () => {
    for (const text of ["", "# nothing\n", "http:\n", "log: {level: info}\n", "~"]) {
      assert.ok(decodeDocument(text, "f.yml").silent, JSON.stringify(text));
    }
    for (const text of ["http: {}", "http: {routers: {}}", "{broken"]) {
      assert.ok(!decodeDocument(text, "f.yml").silent, text);
    }
  });

  test("a file of aliases that stands for billions of nodes is refused", () => {
    const lines = ["http: {routers: {}}", "log:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 20; level++) {
      lines.push(
        `  a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(", ")}]`,
      );
    }
    assert.match(
      allTold(decodeDocument(lines.join("\n"), "f.yml"))[0] ?? "",
      /aliases make the document too large/,
    );
  });

  test("names of JavaScript's own are ordinary names", () => {
    const names = ["__proto__", "constructor", "toString"];
    for (const path of ["f.yml", "f.toml"]) {
      const text = path.endsWith("yml")
        ? `http: {routers: {${names.map((name) => `${name}: {rule: x}`).join(", ")}}}`
        : names.map((name) => `[http.routers.${name}]\nrule = "x"\n`).join("");
      const decoded = decodeDocument(text, path);
      assert.deepEqual(allTold(decoded), []);
      assert.deepEqual(
        [...decoded.objects.keys()],
        names.map((name) => `httpRouter:${name}`),
      );
    }
    const field = decodeDocument("http: {routers: {a: {constructor: x}}}", "f.yml");
    assert.deepEqual(allTold(field), [
      'f.yml:1:22: Unknown key "constructor" in router "a", valid are entryPoints, middlewares, service, rule, parentRefs, ruleSyntax, priority, tls, observability',
    ]);
  });

  test("never throws", () => {
    const pieces = fc.constantFrom(
      "http",
      "routers",
      "a",
      ":",
      ": ",
      "\n",
      "  ",
      "- ",
      "[",
      "]",
      "{",
      "}",
      "&x ",
      "*x",
      "<<: ",
      "!!str ",
      "'",
      '"',
      "|\n",
      "#",
      "=",
      "rule",
      "servers",
      "1",
      "~",
      "---\n",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 30 }).map((p) => p.join("")),
    );
    fc.assert(
      fc.property(text, fc.constantFrom("f.yml", "f.toml"), (input, path) => {
        const { complete, problems } = decodeDocument(input, path);
        assert.equal(
          complete,
          problems.every(({ object }) => object !== undefined),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

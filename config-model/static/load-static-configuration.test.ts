import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type LoadedStaticConfiguration,
  loadStaticConfiguration,
} from "./load-static-configuration.ts";
import type { Environment } from "./read-environment.ts";
import { StaticConfigurationError } from "./static-configuration-error.ts";

interface Given {
  readonly flags?: readonly string[];
  readonly env?: Environment;
  readonly files?: Readonly<Record<string, string>>;
}

function load({ flags = [], env = {}, files = {} }: Given): LoadedStaticConfiguration {
  return loadStaticConfiguration({
    flags,
    env,
    readFile: (path) => files[path],
    resolvePath: (path) => (path.startsWith("/") ? path : `/srv/${path}`),
  });
}

function loadFile(text: string, name = "s.yml"): LoadedStaticConfiguration {
  return load({ flags: [`--configFile=${name}`], files: { [name]: text } });
}

function refusal(given: Given): readonly string[] {
  try {
    load(given);
  } catch (error) {
    assert.ok(error instanceof StaticConfigurationError, String(error));
    return error.message.split("\n");
  }
  assert.fail("the configuration was accepted");
}

const yaml = `
entryPoints:
  web:
    address: 127.0.0.1:8000
    asDefault: true
    transport:
      lifeCycle: {requestAcceptGraceTimeout: 2, graceTimeOut: 1m}
      respondingTimeouts: {readTimeout: 5s, writeTimeout: 0, idleTimeout: 20}
      keepAliveMaxTime: 1h
      keepAliveMaxRequests: 100
    forwardedHeaders: {trustedIPs: [10.0.0.0/8, "::1"], connection: [X-A]}
    http:
      sanitizePath: false
      encodeQuerySemicolons: true
      maxHeaderBytes: 4096
      middlewares: [auth@file, limit@etcd]
      underscoreHeadersStrategy: reject
      encodedCharacters: {allowEncodedSlash: false, allowEncodedHash: false, allowEncodedPercent: true}
    http2: {maxConcurrentStreams: 10, maxDecoderHeaderTableSize: 100, maxEncoderHeaderTableSize: 200}
    udp: {timeout: 4s}
  db:
    address: :5432/tcp
  dns:
    address: "[::1]:53/UDP"
    udp: {timeout: 500ms}
serversTransport:
  maxIdleConnsPerHost: 7
  forwardingTimeouts: {dialTimeout: 1s, responseHeaderTimeout: 2s, idleConnTimeout: 3s}
tcpServersTransport: {dialTimeout: 4s, dialKeepAlive: 5s, terminationDelay: -1}
providers:
  providersThrottleDuration: 0
  precedence: [Etcd, file]
  file: {directory: conf.d, watch: false}
  etcd:
    endpoints: [a:2379, b:2379]
    rootKey: /edge/
    username: u
    password: p
    tls: {ca: ca.pem, insecureSkipVerify: true}
log: {level: DEBUG, format: json}
fleet:
  stream:
    address: 0.0.0.0:18000
    tls: {cert: c.pem, key: k.pem, clientCA: /ca.pem}
  admin: {address: 127.0.0.1:9000}
  insecure: true
  stateDir: state
  rejection: strict
  store: {etcd: {rootKey: sy}}
`;

const toml = `
[entryPoints.web]
address = "127.0.0.1:8000"
asDefault = true
[entryPoints.web.transport]
keepAliveMaxTime = "1h"
keepAliveMaxRequests = 100
[entryPoints.web.transport.lifeCycle]
requestAcceptGraceTimeout = 2
graceTimeOut = "1m"
[entryPoints.web.transport.respondingTimeouts]
readTimeout = "5s"
writeTimeout = 0
idleTimeout = 20
[entryPoints.web.forwardedHeaders]
trustedIPs = ["10.0.0.0/8", "::1"]
connection = ["X-A"]
[entryPoints.web.http]
sanitizePath = false
encodeQuerySemicolons = true
maxHeaderBytes = 4096
middlewares = ["auth@file", "limit@etcd"]
underscoreHeadersStrategy = "reject"
encodedCharacters = { allowEncodedSlash = false, allowEncodedHash = false, allowEncodedPercent = true }
[entryPoints.web.http2]
maxConcurrentStreams = 10
maxDecoderHeaderTableSize = 100
maxEncoderHeaderTableSize = 200
[entryPoints.web.udp]
timeout = 4
[entryPoints.db]
address = ":5432/tcp"
[entryPoints.dns]
address = "[::1]:53/UDP"
udp = { timeout = "500ms" }
[serversTransport]
maxIdleConnsPerHost = 7
forwardingTimeouts = { dialTimeout = "1s", responseHeaderTimeout = "2s", idleConnTimeout = "3s" }
[tcpServersTransport]
dialTimeout = "4s"
dialKeepAlive = "5s"
terminationDelay = -1
[providers]
providersThrottleDuration = 0
precedence = ["Etcd", "file"]
[providers.file]
directory = "conf.d"
watch = false
[providers.etcd]
endpoints = ["a:2379", "b:2379"]
rootKey = "/edge/"
username = "u"
password = "p"
tls = { ca = "ca.pem", insecureSkipVerify = true }
[log]
level = "DEBUG"
format = "json"
[fleet]
insecure = true
stateDir = "state"
rejection = "strict"
stream = { address = "0.0.0.0:18000", tls = { cert = "c.pem", key = "k.pem", clientCA = "/ca.pem" } }
admin.address = "127.0.0.1:9000"
store.etcd.rootKey = "sy"
`;

describe("loadStaticConfiguration() from a file", () => {
  for (const [name, text] of [
    ["s.yml", yaml],
    ["s.toml", toml],
  ] as const) {
    test(`reads every built key of ${name}`, () => {
      const { configuration, warnings, source } = loadFile(text, name);
      assert.deepEqual([warnings, source], [[], name]);
      assert.deepEqual([...configuration.entryPoints.keys()], ["web", "db", "dns"]);
      const { host, port, protocol, udpTimeoutMs } = configuration.entryPoints.get("dns")!;
      assert.deepEqual([host, port, protocol, udpTimeoutMs], ["::1", 53, "udp", 500]);
      assert.deepEqual(configuration.entryPoints.get("web"), {
        kind: "entryPoint",
        host: "127.0.0.1",
        port: 8_000,
        protocol: "tcp",
        udpTimeoutMs: 4_000,
        asDefault: true,
        readTimeoutMs: 5_000,
        writeTimeoutMs: 0,
        idleTimeoutMs: 20_000,
        requestAcceptGraceTimeoutMs: 2_000,
        graceTimeoutMs: 60_000,
        keepAliveMaxTimeMs: 3_600_000,
        keepAliveMaxRequests: 100,
        maxHeaderBytes: 4_096,
        sanitizePath: false,
        encodeQuerySemicolons: true,
        forwardedHeaders: {
          insecure: false,
          trustedIps: ["10.0.0.0/8", "::1"],
          connection: ["X-A"],
          notAppendXForwardedFor: false,
        },
        http: { middlewares: ["auth@file", "limit@etcd"], tls: undefined },
        http2: {
          maxConcurrentStreams: 10,
          maxDecoderHeaderTableBytes: 100,
          maxEncoderHeaderTableBytes: 200,
        },
        underscoreHeaders: "reject",
        deniedPathCharacters: "/#",
        unbuilt: [],
      });
      const etcd = {
        endpoints: ["a:2379", "b:2379"],
        rootKey: "edge",
        username: "u",
        password: "p",
        tls: { ca: "ca.pem", cert: undefined, key: undefined, insecureSkipVerify: true },
      };
      const { entryPoints: _, ...rest } = configuration;
      assert.deepEqual(rest, {
        redirections: [],
        nodeSettings: {
          kind: "nodeSettings",
          http: {
            dialTimeoutMs: 1_000,
            responseHeaderTimeoutMs: 2_000,
            idleConnectionTimeoutMs: 3_000,
            maxIdleConnectionsPerHost: 7,
          },
          tcp: { dialTimeoutMs: 4_000, dialKeepAliveMs: 5_000, terminationDelayMs: -1 },
          unbuilt: [],
        },
        providers: {
          throttleMs: 0,
          precedence: ["etcd", "file"],
          file: { filename: undefined, directory: "/srv/conf.d", watch: false },
          etcd,
        },
        log: { level: "debug", format: "json" },
        fleet: {
          stream: {
            address: "0.0.0.0:18000",
            tls: { cert: "/srv/c.pem", key: "/srv/k.pem", clientCa: "/ca.pem" },
          },
          adminAddress: "127.0.0.1:9000",
          adminTokenFile: undefined,
          guardPercent: 30,
          rejection: "strict",
          insecureSecrets: false,
          insecure: true,
          stateDir: "/srv/state",
          store: { kind: "etcd", etcd: { ...etcd, rootKey: "sy" } },
        },
      });
    });
  }

  test("finds a file in the usual places, the first one only", () => {
    const at = (path: string, port: number) => ({
      [path]: `entryPoints: {a: {address: :${port}}}`,
    });
    const env = { HOME: "/home/u" };
    const all = {
      ...at("./switchyard.yml", 3),
      ...at("/home/u/.config/switchyard.yaml", 2),
      ...at("/etc/switchyard/switchyard.yml", 1),
    };
    assert.equal(load({ env, files: all }).source, "/etc/switchyard/switchyard.yml");
    const { "/etc/switchyard/switchyard.yml": _, ...without } = all;
    assert.equal(load({ env, files: without }).source, "/home/u/.config/switchyard.yaml");
    const xdg = { ...env, XDG_CONFIG_HOME: "/x" };
    assert.equal(load({ env: xdg, files: without }).source, "./switchyard.yml");
    const files = at("named.yml", 9);
    assert.equal(load({ env: { SWITCHYARD_CONFIGFILE: "named.yml" }, files }).source, "named.yml");
    assert.equal(load({ flags: ["--configfile", "named.yml"], files }).source, "named.yml");
  });

  test("passes over the dynamic part of the file", () => {
    const text = `${yaml}http: {routerz: 1}\ntls: 5\n`;
    assert.deepEqual(loadFile(text).warnings, []);
    assert.deepEqual(
      loadFile("http: {routers: {}}").configuration.entryPoints.get("http")?.port,
      80,
    );
  });

  test("ignores flags and variables beside the file, with a warning that lists them", () => {
    const { configuration, warnings } = load({
      flags: ["--configFile=s.yml", "--entryPoints.web.address=:1", "--log.level", "debug"],
      env: { SWITCHYARD_LOG_LEVEL: "error", TRAEFIK_LOG_LEVEL: "error", TRAEFIK_API: "true" },
      files: { "s.yml": "entryPoints: {web: {address: :8000}}" },
    });
    assert.equal(configuration.entryPoints.get("web")?.port, 8_000);
    assert.deepEqual(warnings, [
      "Flags are ignored, the configuration comes from s.yml: --entryPoints.web.address, --log.level",
      "Variables are ignored, the configuration comes from s.yml: SWITCHYARD_LOG_LEVEL",
      "Not read: TRAEFIK_API, TRAEFIK_LOG_LEVEL; rename the prefix of variables to SWITCHYARD_",
    ]);
  });

  test("warns of what is valid in Traefik and not built, and goes on", () => {
    const { configuration, warnings } = loadFile(`
api: {insecure: true, dashboard: false}
certificatesResolvers: {le: {acme: {email: a@b.c, tlsChallenge: {}}}}
providers: {docker: {exposedByDefault: false}}
global: {checkNewVersion: false}
core: {defaultRuleSyntax: v3}
entryPoints:
  web:
    address: :80
    http: {redirections: {entryPoint: {to: secure}}, encodedCharacters: {allowEncodedSlash: true}}
    http2: {maxConcurrentStreams: 250}
  secure: {address: ":443", http: {tls: {}}, http3: {}}
  dns: {address: ":53/udp"}
`);
    assert.deepEqual(
      warnings.toSorted((a, b) => (a < b ? -1 : 1)),
      [
        "s.yml:12:46: entryPoints.secure.http3 is not supported yet",
        "s.yml:2:1: api is not supported yet",
        "s.yml:3:1: certificatesResolvers is not supported yet",
        "s.yml:4:13: providers.docker is not supported yet",
      ].toSorted((a, b) => (a < b ? -1 : 1)),
    );
    const unbuilt = [...configuration.entryPoints].map(([name, config]) => [name, config.unbuilt]);
    assert.deepEqual(unbuilt, [
      ["web", []],
      ["secure", []],
      ["dns", []],
    ]);
  });

  test("leaves to the fleet's diagnostics what closes an entry point, so that it is said once", () => {
    const { configuration, warnings } = loadFile(`
entryPoints:
  web: {address: ":80", proxyProtocol: {insecure: true}, reusePort: true}
`);
    assert.deepEqual(warnings, ["s.yml:3:58: entryPoints.web.reusePort is not supported yet"]);
    assert.deepEqual(configuration.entryPoints.get("web")?.unbuilt, [
      { path: "proxyProtocol", effect: "closed" },
    ]);
  });

  test("warns of entry points that differ in case only", () => {
    const { configuration, warnings } = loadFile(`
entryPoints:
  web: {address: ":80"}
  WEB: {address: ":81"}
`);
    assert.deepEqual(warnings, [
      's.yml:4:3: Entry points "web" and "WEB" differ in case only, and are two (rename one of them)',
    ]);
    assert.equal(configuration.entryPoints.size, 2);
  });

  test("warns of middlewares of an entry point that name no provider", () => {
    const { configuration, warnings } = loadFile(`
entryPoints:
  web:
    address: :80
    http:
      middlewares: [auth, "limit@file", late]
`);
    assert.deepEqual(warnings, [
      's.yml:6:7: entryPoints.web.http.middlewares names "auth", "late" without provider: each router looks for it in its own (write "auth@file" for the one of the file provider)',
    ]);
    assert.deepEqual(configuration.entryPoints.get("web")?.http.middlewares, [
      "auth",
      "limit@file",
      "late",
    ]);
  });

  test("reads redirections, whose target is an entry point or a port", () => {
    const { configuration } = loadFile(`
entryPoints:
  web_1:
    address: ":80"
    allowACMEByPass: true
    http: {redirections: {entryPoint: {to: secure}}}
  secure: {address: "127.0.0.1:8443/tcp"}
  old:
    address: ":81"
    http: {redirections: {entryPoint: {to: ":443", scheme: http, permanent: false, priority: -7}}}
`);
    const usual = { scheme: "https", permanent: true, priority: 9_223_372_036_854_775_806n };
    assert.deepEqual(configuration.redirections, [
      {
        name: "web-1-to-secure",
        entryPoint: "web_1",
        port: "8443",
        passesAcmeChallenges: true,
        ...usual,
      },
      {
        name: "old-to-443",
        entryPoint: "old",
        port: "443",
        passesAcmeChallenges: false,
        scheme: "http",
        permanent: false,
        priority: -7n,
      },
    ]);
  });

  for (const [text, ...expected] of [
    [
      "entryPoints: [\n",
      "s.yml:2:1: a bracket, brace or quote before is not closed, or this line needs more spaces in front",
    ],
    [
      "entryPoint: {}",
      's.yml:1:1: Unknown key "entryPoint" in the static configuration (did you mean "entryPoints"?)',
    ],
    [
      "entryPoints:\n  web:\n    adress: :80\n",
      's.yml:3:5: Unknown key "adress" in entryPoints.web (did you mean "address"?)',
    ],
    ["entryPoints: {web: {asDefault: true}}", "s.yml:1:15: entryPoints.web needs an address"],
    [
      "entryPoints: {web: {address: 80}}",
      's.yml:1:30: Invalid value "80" for entryPoints.web.address: expected [HOST]:PORT, then /tcp or /udp if need be',
    ],
    [
      "entryPoints: {web: {address: ':80/sctp'}}",
      's.yml:1:30: Invalid value ":80/sctp" for entryPoints.web.address: expected [HOST]:PORT, then /tcp or /udp if need be',
    ],
    [
      "entryPoints: {web: {address: ':65536'}}",
      's.yml:1:30: Invalid value ":65536" for entryPoints.web.address: expected [HOST]:PORT, then /tcp or /udp if need be',
    ],
    [
      "entryPoints: {web: {address: ':1', forwardedHeaders: {trustedIPs: [x]}}}",
      's.yml:1:68: Invalid value "x" for entryPoints.web.forwardedHeaders.trustedIPs: expected an IP address or a CIDR range',
    ],
    [
      "providers: {file: {}}",
      "s.yml:1:13: providers.file needs filename or directory (give one of them)",
    ],
    [
      "providers: {file: {filename: a, directory: b}}",
      "s.yml:1:13: providers.file has both filename and directory (give one of them)",
    ],
    [
      "providers: {file: {filenam: a}}",
      's.yml:1:20: Unknown key "filenam" in providers.file (did you mean "filename"?)',
    ],
    [
      "providers: {etcd: {endpoints: ['http://a:1']}}",
      's.yml:1:32: Invalid value "http://a:1" for providers.etcd.endpoints: expected HOST:PORT without scheme',
    ],
    [
      "providers: {etcd: {endpoints: 'http://u:secret@a:1'}}",
      's.yml:1:31: Invalid value "http://***@a:1" for providers.etcd.endpoints: expected HOST:PORT without scheme',
    ],
    ["providers: {etcd: {rootKey: /}}", "s.yml:1:29: providers.etcd.rootKey is empty"],
    [
      "providers: {providersThrottleDuration: soon}",
      's.yml:1:40: Invalid value "soon" for providers.providersThrottleDuration: expected a duration like 30s, 1m30s or a number of seconds',
    ],
    [
      "log: {level: inof}",
      's.yml:1:14: Invalid value "inof" for log.level: valid are debug, info, warn, error (did you mean "info"?)',
    ],
    [
      "log: {format: xml}",
      's.yml:1:15: Invalid value "xml" for log.format: valid are common, json',
    ],
    [
      "fleet: {stream: {tls: {cert: a}}}",
      "s.yml:1:18: fleet.stream.tls needs cert, key and clientCA",
    ],
    [
      "fleet: {stream: {address: 18000}}",
      's.yml:1:27: Invalid value "18000" for fleet.stream.address: expected [HOST]:PORT',
    ],
    [
      "fleet: {store: {local: {}, etcd: {}}}",
      "s.yml:1:9: fleet.store has both etcd and local (give one of them)",
    ],
    [
      "fleet: {insecure: maybe}",
      's.yml:1:19: Invalid value "maybe" for fleet.insecure: expected true or false',
    ],
    [
      "fleet: {rejection: lenient}",
      's.yml:1:20: Invalid value "lenient" for fleet.rejection: valid are isolate, strict',
    ],
    ["api: {insecur: true}", 's.yml:1:7: Unknown key "insecur" in api (did you mean "insecure"?)'],
    [
      "tracing: {jaeger: {}}",
      's.yml:1:11: Unknown key "jaeger" in tracing (Traefik v3 has tracing.otlp instead)',
    ],
    [
      "Pilot: {}",
      's.yml:1:1: Unknown key "Pilot" in the static configuration (Traefik v3 has it no more)',
    ],
    ["[1]", "s.yml:1:1: Invalid content: expected keys below it, found a list"],
  ] as const) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      const given = { flags: ["--configFile=s.yml"], files: { "s.yml": text } };
      assert.deepEqual(refusal(given), expected);
    });
  }

  test("names line and column in TOML", () => {
    const files = {
      "s.toml": '# a\n[entryPoints.web]\naddress = ":80"\n  adres = ":1"\n[log]\nlevl = "x"\n',
    };
    assert.deepEqual(refusal({ flags: ["--configFile=s.toml"], files }), [
      's.toml:4:3: Unknown key "adres" in entryPoints.web (did you mean "address"?)',
      's.toml:6:1: Unknown key "levl" in log (did you mean "level"?)',
    ]);
    const broken = { "s.toml": 'a = 1\nb = "x\n' };
    const [first = ""] = refusal({ flags: ["--configFile=s.toml"], files: broken });
    assert.match(first, /^s\.toml:2:\d+: /);
  });

  test("says that the file is missing, unreadable or of an unknown kind", () => {
    assert.deepEqual(refusal({ flags: ["--configFile=no.yml"] }), [
      'Cannot read configuration file "no.yml": there is no such file',
    ]);
    assert.deepEqual(refusal({ flags: ["--configFile=s.json"], files: { "s.json": "{}" } }), [
      'Cannot read configuration file "s.json": its name must end in .toml, .yaml or .yml',
    ]);
    const denied = () =>
      loadStaticConfiguration({
        flags: ["--configFile=s.yml"],
        env: {},
        readFile: () => {
          throw new Error("access is denied");
        },
        resolvePath: String,
      });
    assert.throws(denied, {
      name: "StaticConfigurationError",
      message: 'Cannot read configuration file "s.yml": access is denied',
    });
  });
});

describe("loadStaticConfiguration() from flags", () => {
  test("reads every form of flag, keys in any case", () => {
    const { configuration, source, warnings } = load({
      flags: [
        "--entrypoints.web.ADDRESS=:8000",
        "--entryPoints.db.address",
        "127.0.0.1:5432",
        "--entryPoints.web.asDefault",
        "--entryPoints.web.forwardedHeaders.trustedIPs=10.0.0.1, 10.0.0.2",
        "--providers.etcd",
        "--providers.etcd.endpoints[0]=a:1",
        "--providers.etcd.endpoints[1]=b:1",
        "--providers.file.watch=false",
        "-providers.file.filename=routes.yml",
      ],
      env: { SWITCHYARD_LOG_LEVEL: "debug" },
    });
    assert.equal(source, "flags");
    assert.deepEqual(warnings, [
      "Variables are ignored, the configuration comes from flags: SWITCHYARD_LOG_LEVEL",
    ]);
    const web = configuration.entryPoints.get("web");
    assert.deepEqual([web?.port, web?.asDefault], [8_000, true]);
    assert.deepEqual(web?.forwardedHeaders.trustedIps, ["10.0.0.1", "10.0.0.2"]);
    assert.equal(configuration.entryPoints.get("db")?.host, "127.0.0.1");
    assert.deepEqual(configuration.providers.etcd?.endpoints, ["a:1", "b:1"]);
    assert.deepEqual(configuration.providers.file, {
      filename: "/srv/routes.yml",
      directory: undefined,
      watch: false,
    });
  });

  for (const [flags, ...expected] of [
    [
      ["--entryPoints.web.adress=:80"],
      '--entryPoints.web.adress: Unknown key "adress" in entryPoints.web (did you mean "address"?)',
    ],
    [
      ["--entryPoint.web.address=:80"],
      '--entryPoint.web.address: Unknown key "entryPoint" in the static configuration (did you mean "entryPoints"?)',
    ],
    [["--log.level"], 'Flag "--log.level" needs a value'],
    [["--log.level", "--fleet.insecure"], 'Flag "--log.level" needs a value'],
    [["start"], 'Unexpected argument "start"'],
    [["--"], 'Unexpected argument "--"'],
    [
      ["--fleet.insecure=x"],
      '--fleet.insecure: Invalid value "x" for fleet.insecure: expected true or false',
    ],
  ] as const) {
    test(`refuses ${flags.join(" ")}`, () => {
      assert.deepEqual(refusal({ flags }), expected);
    });
  }
});

describe("loadStaticConfiguration() from the environment", () => {
  test("reads variables, lists by number or comma", () => {
    const { configuration, source } = load({
      env: {
        SWITCHYARD_ENTRYPOINTS_WEB_ADDRESS: ":8000",
        SWITCHYARD_PROVIDERS_ETCD: "true",
        SWITCHYARD_PROVIDERS_ETCD_ENDPOINTS_0: "a:1",
        SWITCHYARD_PROVIDERS_ETCD_ENDPOINTS_1: "b:1",
        SWITCHYARD_ENTRYPOINTS_WEB_FORWARDEDHEADERS_TRUSTEDIPS: "10.0.0.1,10.0.0.2",
        PATH: "/bin",
      },
    });
    assert.equal(source, "environment");
    const web = configuration.entryPoints.get("web");
    assert.deepEqual(web?.forwardedHeaders.trustedIps, ["10.0.0.1", "10.0.0.2"]);
    assert.deepEqual(configuration.providers.etcd?.endpoints, ["a:1", "b:1"]);
  });

  test("names the variable of a mistake", () => {
    assert.deepEqual(refusal({ env: { SWITCHYARD_ENTRYPOINTS_WEB_ADRESS: ":1" } }), [
      'SWITCHYARD_ENTRYPOINTS_WEB_ADRESS: Unknown key "adress" in entryPoints.web (did you mean "address"?)',
    ]);
  });
});

describe("loadStaticConfiguration() without a source", () => {
  test("implies Traefik's defaults, but for a short throttle", () => {
    const { configuration, source, warnings } = load({});
    assert.deepEqual([source, warnings], ["defaults", []]);
    const [[name, http] = []] = [...configuration.entryPoints];
    assert.deepEqual([name, http?.host, http?.port], ["http", "", 80]);
    assert.deepEqual([http?.readTimeoutMs, http?.idleTimeoutMs], [60_000, 180_000]);
    assert.deepEqual([http?.graceTimeoutMs, http?.maxHeaderBytes], [10_000, 1_048_576]);
    const { providers, nodeSettings, log, fleet } = configuration;
    assert.deepEqual(
      [providers.throttleMs, providers.file, providers.etcd],
      [100, undefined, undefined],
    );
    assert.deepEqual(providers.precedence.slice(-5), ["etcd", "ecs", "http", "zookeeper", "rest"]);
    assert.deepEqual(nodeSettings.http, {
      dialTimeoutMs: 30_000,
      responseHeaderTimeoutMs: 0,
      idleConnectionTimeoutMs: 90_000,
      maxIdleConnectionsPerHost: 200,
    });
    assert.deepEqual(nodeSettings.tcp, {
      dialTimeoutMs: 30_000,
      dialKeepAliveMs: 15_000,
      terminationDelayMs: 100,
    });
    assert.deepEqual(log, { level: "info", format: undefined });
    assert.deepEqual([fleet.store, fleet.insecure], [undefined, false]);
  });
});

test("loadStaticConfiguration() throws nothing but StaticConfigurationError", () => {
  const pieces = fc.constantFrom(
    "entryPoints",
    "web",
    "address",
    "fleet",
    "store",
    "etcd",
    "log",
    "[0]",
    "0",
    "__proto__",
    ".",
    "=",
    "true",
    ":80",
    "--",
    "",
  );
  const flag = fc.array(pieces, { maxLength: 8 }).map((parts) => `--${parts.join("")}`);
  fc.assert(
    fc.property(fc.array(fc.oneof(flag, fc.string()), { maxLength: 4 }), (flags) => {
      try {
        load({ flags });
      } catch (error) {
        assert.ok(error instanceof StaticConfigurationError, String(error));
        assert.notEqual(error.message, "");
      }
    }),
    { numRuns: 1_000 },
  );
});

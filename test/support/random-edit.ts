/**
 * Edits of a small configuration in which everything can meet everything: few names, two providers, references that
 * dangle, loop and cross providers, objects that break, vanish and come back. Drawn from small numbers, so that
 * fast-check shrinks well.
 */
import fc from "fast-check";
import type { DynamicObject, UnbuiltKey } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey, ObjectKind } from "../../config-model/dynamic/object-key.ts";
import {
  addPrefix,
  chain,
  entryPoint,
  httpMiddleware,
  httpRouter,
  httpService,
  nodeSettings,
  tcpRouter,
  tcpService,
  tlsCertificate,
  tlsOptions,
  tlsStore,
  udpRouter,
  udpService,
} from "./dynamic-config.ts";

export type Edit =
  | {
      readonly kind: "set";
      readonly provider: string;
      readonly key: ObjectKey;
      /** Absent: what the decoder could not read. */
      readonly config: DynamicObject | undefined;
      /** What a reader of the reference would call a mistake in the object itself. */
      readonly mistake: boolean;
    }
  | { readonly kind: "delete"; readonly provider: string; readonly key: ObjectKey }
  /** Everything up to here is one batch. */
  | { readonly kind: "flush" }
  /** The control plane is started again on what it had published. */
  | { readonly kind: "restart" };

type Numbers = readonly [what: number, which: number, a: number, b: number, c: number];

const providers = ["file", "etcd"] as const;
const closed: readonly UnbuiltKey[] = [{ path: "x", effect: "closed" }];
const degraded: readonly UnbuiltKey[] = [{ path: "y", effect: "degraded" }];

const unbuiltKinds = ["httpModel", "httpServersTransport"] as const;

export const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.tuple(fc.nat(99), fc.nat(11), fc.nat(9), fc.nat(9), fc.nat(9)).map(toEdit),
  { minLength: 1, maxLength: 80, size: "max" },
);

function pick<T>(values: readonly [T, ...T[]], number: number): T {
  return values[number % values.length] ?? values[0];
}

function toEdit([what, which, a, b, c]: Numbers): Edit {
  if (what < 18) return { kind: "flush" };
  if (what < 21) return { kind: "restart" };
  if (what < 31) return entryPointEdit(which, a, b);
  const [kind, config, mistake] = content(what, a, b, c);
  const provider = pick(providers, which);
  const key = { kind, name: nameOf(kind, which >> 1, a) };
  if (b === 9 || (a === 9 && c > 4)) return { kind: "delete", provider, key };
  if (b === 8 && c > 3) return { kind: "set", provider, key, config: undefined, mistake: true };
  return { kind: "set", provider, key, config, mistake };
}

function nameOf(kind: ObjectKind, which: number, a: number): string {
  if (kind === "tlsOptions") return pick(["x", "default", "x", "y", "default", "x"], which);
  if (kind === "tlsStore") return pick(["default", "default", "other"], which);
  if (kind === "httpMiddleware") return `n${which % 4}`;
  if (kind !== "httpRouter") return `n${which % 2}`;
  // Names that differ in case are different names to the compiler.
  return `${a === 2 ? "N" : "n"}${which % 3}`;
}

function content(
  what: number,
  a: number,
  b: number,
  c: number,
): [ObjectKind, DynamicObject, boolean] {
  if (what < 53) return ["httpRouter", ...router(a, b, c)];
  if (what < 64) return ["httpService", ...service(a, b)];
  if (what < 73) return tls(a, b, c);
  if (what < 82) return ["httpMiddleware", ...middleware(a, b, c)];
  if (what < 87) return ["udpRouter", ...udpRouterContent(a, b, c)];
  if (what < 91) return ["udpService", ...udpServiceContent(a, b, c)];
  if (what < 95) {
    const rule = pick(["HostSNI(`*`)", "HostSNI(`*`)", "HostSNI(`a.example`)"], a);
    const entryPoints = pick([undefined, ["alt"], ["web", "alt"]], b);
    const options = pick([undefined, "x", "default", "x@p"], a);
    const tls = pick([undefined, undefined, { options, passthrough: b > 6 }], c);
    const config = tcpRouter({ rule, entryPoints, service: reference(c, 2), tls });
    return ["tcpRouter", config, tls === undefined && rule.includes("example")];
  }
  if (what === 99)
    return [pick(unbuiltKinds, b), { kind: pick(unbuiltKinds, b), unbuilt: [] }, false];
  const address = pick(["10.0.0.1:1", "10.0.0.1:2", "nowhere"], a);
  return ["tcpService", tcpService([address]), address === "nowhere"];
}

function udpRouterContent(a: number, b: number, c: number): [DynamicObject, boolean] {
  const entryPoints = pick(
    [undefined, ["dns"], ["dns", "web"], ["web"], ["alt", "nowhere"], ["web", "alt", "dns"]],
    b,
  );
  return [udpRouter({ entryPoints, service: a === 7 ? undefined : reference(c, 2) }), false];
}

function udpServiceContent(a: number, b: number, c: number): [DynamicObject, boolean] {
  if (a < 3) {
    const services = [reference(b, 2), reference(c, 2)].map((name) => ({ name, weight: a }));
    return [{ kind: "udpService", weighted: { services }, unbuilt: [] }, false];
  }
  const address = pick(["10.0.0.1:1", "[::1]:2", "10.0.0.1:1", "nowhere"], a);
  return [udpService([address]), address === "nowhere"];
}

function tls(a: number, b: number, c: number): [ObjectKind, DynamicObject, boolean] {
  if (c === 0) {
    const stores = a > 6 ? ["other"] : [];
    return ["tlsCertificate", tlsCertificate({ certFile: `cert ${b % 3}`, stores }), false];
  }
  if (c === 1) return ["tlsStore", tlsStore({ unbuilt: a === 3 ? closed : [] }), false];
  const minVersion = pick([undefined, "VersionTLS12", "VersionTLS13", "new"], a);
  const unbuilt = a === 5 ? closed : a === 7 ? degraded : [];
  const isOut = a === 5;
  const config = tlsOptions({ minVersion, sniStrict: b > 5, unbuilt });
  return ["tlsOptions", config, minVersion === "new" && !isOut];
}

/** `n1`, `n1@file` or `n1@etcd`, one of `count` names. */
function reference(number: number, count: number): string {
  return `n${number % count}${pick(["", "", "@file", "@etcd"], number)}`;
}

function router(a: number, b: number, c: number): [DynamicObject, boolean] {
  if (c % 5 > 2) return layeredRouter(a, b, c);
  const rule = pick(
    [
      "Host(`a.example`)",
      "Path(`/b`) || !Method(`GET`)",
      "Host(`a.example`) || Host(`b.example`)",
      "Host(`",
      "Host(`b.example`) && Path(`/b`)",
      "",
    ],
    a + (b >> 1),
  );
  const entryPoints = pick(
    [undefined, [], ["web"], ["alt", "web"], ["nowhere", "alt"], ["traefik"], undefined],
    b,
  );
  const middlewares = [[], [], [reference(b, 4)], [reference(a, 4), reference(c, 4)]][c % 4] ?? [];
  const tls =
    a === 8 || a === 3 || c === 7
      ? { options: pick([undefined, "x", "x@etcd", "y", "default", "x@file"], b) }
      : undefined;
  const unbuilt = a === 4 && b < 3 ? closed : c === 6 ? degraded : [];
  const config = httpRouter({
    rule: rule === "" ? undefined : rule,
    entryPoints,
    middlewares,
    service: a === 7 ? undefined : reference(c, 2),
    priority: BigInt(a === 5 ? b : 0),
    tls,
    unbuilt,
  });
  const isOut = config.rule === undefined || unbuilt.some(({ effect }) => effect === "closed");
  return [config, !isOut && rule === "Host(`"];
}

/** Roots without a service, children, grandchildren, loops, parents that do not exist, and what no child may have. */
function layeredRouter(a: number, b: number, c: number): [DynamicObject, boolean] {
  const isRoot = b < 4;
  const parent = `n${a % 2}`;
  const parentRefs = isRoot ? [] : b < 7 ? [parent] : [parent, pick([reference(a, 3), "N1"], b)];
  const misplaced = b === 7 && a === 0;
  const rule = a === 9 ? "Host(`" : pick(["Path(`/x`)", "Method(`GET`)"], b);
  const config = httpRouter({
    rule,
    parentRefs,
    entryPoints: misplaced ? ["web"] : undefined,
    service: isRoot || b === 8 ? undefined : pick(["n0", reference(c, 2)], a),
  });
  return [config, a === 9 && !misplaced];
}

function service(a: number, b: number): [DynamicObject, boolean] {
  if (a === 6) return [httpService([], { loadBalancer: undefined }), true];
  if (a === 7) return [httpService([], { loadBalancer: undefined, unbuilt: closed }), false];
  const url = pick(
    ["http://10.0.0.1", "http://10.0.0.2:81/x", "http:/bad", "https://later"],
    a >> 1,
  );
  return [httpService(b > 4 ? [url, "http://10.0.0.3"] : [url]), url === "http:/bad"];
}

function middleware(a: number, b: number, c: number): [DynamicObject, boolean] {
  switch (a) {
    case 0:
      return [addPrefix(`/${b}`), false];
    case 1: {
      const both = [
        ["X-A", "1"],
        ["X-B", ""],
      ] as const;
      const custom = new Map(b % 2 === 0 ? both : both.toReversed());
      return [
        httpMiddleware({
          headers: { customRequestHeaders: custom, customResponseHeaders: new Map() },
        }),
        false,
      ];
    }
    case 2:
      return [httpMiddleware(), true];
    case 3:
      return [httpMiddleware({ unbuilt: closed }), false];
    case 4:
      return [httpMiddleware({ stripPrefix: { prefixes: ["/a", "/b"] } }), false];
    case 5:
    case 6:
      return [chain(reference(b, 4), reference(c, 4)), false];
    default:
      return [chain(reference(b, 4)), false];
  }
}

function entryPointEdit(which: number, a: number, b: number): Edit {
  const provider = "internal";
  if (which === 0) {
    const key: ObjectKey = { kind: "nodeSettings", name: "node" };
    return {
      kind: "set",
      provider,
      key,
      config: nodeSettings({ dialTimeoutMs: a }),
      mistake: false,
    };
  }
  const names = ["web", "alt", "traefik", "dns"] as const;
  const key: ObjectKey = { kind: "entryPoint", name: pick(names, which) };
  if (b > 6) return { kind: "delete", provider, key };
  const config = entryPoint(8000 + a, {
    http: {
      middlewares: a === 3 ? ["n1@file", "n0"] : a === 5 ? ["n2@etcd"] : [],
      tls: a === 4 ? { options: pick([undefined, "x@file", "x"], b) } : undefined,
    },
    unbuilt: a === 6 ? [{ path: "proxyProtocol", effect: "closed" }] : [],
    asDefault: b === 1,
    protocol: (b === 2 && a > 6) || (key.name === "dns" && a !== 1) ? "udp" : "tcp",
  });
  return { kind: "set", provider, key, config, mistake: false };
}

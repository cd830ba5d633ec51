/**
 * What a snapshot must hold, computed from a whole configuration in the plainest way: no index, no state, everything
 * looked at again and again until nothing more can be let in. The compiler is measured against it.
 */
import { hash } from "node:crypto";
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { compileObject } from "../../control-plane/compiler/compile-object.ts";
import type { Body } from "../../control-plane/compiler/compiled-content.ts";
import { encodeResource } from "../../control-plane/compiler/resource-body.ts";
import { TlsOptions } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { naiveBonds } from "./naive-bonds.ts";
import { type NaiveTlsRouter, naiveDefaultTls } from "./naive-default-tls.ts";

export interface QualifiedObject {
  readonly key: ObjectKey;
  readonly config: DynamicObject;
}

const unusableOptions: Body = {
  $case: "tlsOptions",
  value: TlsOptions.create({ unusable: true }),
};

/** `kind:name` → hash, in hexadecimal, of its resource. `existing`: ids of all objects, with good content or without. */
export function naiveCompile(
  objects: readonly QualifiedObject[],
  existing: ReadonlySet<string>,
  precedence: readonly string[],
): Map<string, string> {
  const bodies = new Map<string, Body>();
  const parents = new Map<string, readonly string[]>();
  const tlsRouters: NaiveTlsRouter[] = [];
  for (const id of existing) {
    if (/^tlsOptions:default@/.test(id)) bodies.set(id, unusableOptions);
  }
  for (const { key, config } of objects) {
    const id = `${key.kind}:${key.name}`;
    const content = compileObject(key, config, precedence);
    if (content.kind === "usable") bodies.set(id, content.body);
    if (config.kind === "httpRouter" && content.kind !== "invalid") {
      parents.set(
        id,
        config.parentRefs.map((name) => routerId(name, key.name)),
      );
    }
  }
  const valid = objects.flatMap(({ key, config }) =>
    config.kind === "entryPoint" && bodies.has(`${key.kind}:${key.name}`)
      ? [{ name: key.name, config, asDefault: config.asDefault, tls: config.http.tls }]
      : [],
  );
  const tcp = valid.filter(({ config }) => config.protocol === "tcp");
  const udp = valid.filter(({ config }) => config.protocol === "udp");
  const anyMarked = objects.some(({ config }) => {
    return config.kind === "entryPoint" && config.asDefault && config.protocol === "tcp";
  });
  const bonds = naiveBonds(parents, existing);
  for (const { key, config } of objects) {
    const id = `${key.kind}:${key.name}`;
    const body = bodies.get(id);
    if (config.kind === "httpRouter" && config.parentRefs.length === 0) {
      const names = entryPointsOf(config.entryPoints ?? [], tcp, anyMarked);
      const given = new Map(tcp.map(({ name, tls }) => [name, tls]));
      const content = compileObject(key, config, precedence);
      if (content.kind !== "invalid") tlsRouters.push({ key, config, content, names, given });
    }
    if (body?.$case === "udpRouter" && config.kind === "udpRouter") {
      const all = udp.map(({ name }) => name).sort((one, other) => (one < other ? -1 : 1));
      body.value.entryPoints =
        config.entryPoints?.filter((name) => udp.some((one) => one.name === name)) ?? all;
      if (body.value.entryPoints.length === 0) bodies.delete(id);
    }
    if (body?.$case !== "httpRouter" && body?.$case !== "tcpRouter") continue;
    if (config.kind !== "httpRouter" && config.kind !== "tcpRouter") continue;
    if (body.$case === "httpRouter" && body.value.parents.length > 0) {
      body.value.parents = (bonds.get(id) ?? []).map((parent) => parent.slice(11));
      continue;
    }
    const names = entryPointsOf(config.entryPoints ?? [], tcp, anyMarked);
    body.value.entryPoints = names;
    if (names.length === 0) bodies.delete(id);
  }
  for (const [id, entryPoints] of naiveDefaultTls(tlsRouters)) {
    const body = bodies.get(id);
    if (body?.$case === "httpRouter") body.value.defaultTlsOn = entryPoints;
  }
  return letIn(bodies, parents, bonds);
}

function routerId(reference: string, child: string): string {
  const provider = child.slice(child.lastIndexOf("@"));
  return `httpRouter:${reference.includes("@") ? reference : `${reference}${provider}`}`;
}

function entryPointsOf(
  asked: readonly string[],
  valid: readonly { readonly name: string; readonly asDefault: boolean }[],
  anyMarked: boolean,
): string[] {
  if (asked.length > 0) return asked.filter((name) => valid.some((one) => one.name === name));
  return valid
    .filter(({ name, asDefault }) => (anyMarked ? asDefault : name !== "traefik"))
    .map(({ name }) => name)
    .sort((a, b) => (a < b ? -1 : 1));
}

function letIn(
  bodies: ReadonlyMap<string, Body>,
  asked: ReadonlyMap<string, readonly string[]>,
  bonds: ReadonlyMap<string, readonly string[]>,
): Map<string, string> {
  const complete = new Set<string>();
  const included = new Map<string, string>();
  const childrenOf = (id: string) => [...bonds].filter(([, parents]) => parents.includes(id));
  const serves = (id: string, body: Body) => {
    if (body.$case !== "httpRouter") return true;
    const children = childrenOf(id);
    if (body.value.service !== "") return children.length === 0;
    return children.some(([child]) => complete.has(child));
  };
  for (let before = -1; before < complete.size; ) {
    before = complete.size;
    for (const [id, body] of bodies) {
      if (needs(body).every((needed) => complete.has(needed)) && serves(id, body)) complete.add(id);
    }
  }
  for (let before = -1; before < included.size; ) {
    before = included.size;
    for (const [id, body] of bodies) {
      if (included.has(id) || !complete.has(id)) continue;
      const isRoot = (asked.get(id) ?? []).length === 0;
      if (!isRoot && !(bonds.get(id) ?? []).some((parent) => included.has(parent))) continue;
      included.set(id, hash("sha256", encodeResource(0, id, body).payload));
    }
  }
  return included;
}

function needs(body: Body): string[] {
  switch (body.$case) {
    case "httpRouter": {
      const { service, middlewares, tls } = body.value;
      const needed = middlewares.map((name) => `httpMiddleware:${name}`);
      if (tls !== undefined && tls.options !== "default") needed.push(`tlsOptions:${tls.options}`);
      return service === "" ? needed : [`httpService:${service}`, ...needed];
    }
    case "tcpRouter": {
      const { service, tls } = body.value;
      const needed = [`tcpService:${service}`];
      if (tls === undefined || tls.passthrough || tls.options === "default") return needed;
      return [...needed, `tlsOptions:${tls.options}`];
    }
    case "httpMiddleware": {
      const { type } = body.value;
      if (type?.$case !== "chain") return [];
      return type.value.middlewares.map((name) => `httpMiddleware:${name}`);
    }
    case "udpRouter":
      return [`udpService:${body.value.service}`];
    case "udpService": {
      const { type } = body.value;
      if (type?.$case !== "weighted") return [];
      return type.value.services.map(({ name }) => `udpService:${name}`);
    }
    case "nodeSettings":
    case "entryPoint":
    case "httpService":
    case "tcpService":
    case "tlsOptions":
    case "tlsCertificate":
    case "tlsStore":
      return [];
  }
}

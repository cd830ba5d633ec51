/** What the compiler needs to do with the body of a resource: encode it, read its references, bind its entry points. */
import { hash } from "node:crypto";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import { ruleDomains } from "../../config-model/rule/rule-domains.ts";
import type { ResourceFeature } from "../../config-model/snapshot/feature.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import { decodeRule } from "../../config-model/snapshot/rule-codec.ts";
import {
  ResourceBody,
  type ResourceKind,
  UnderscoreHeaders,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { Body, EntryPointSelection, RouterTls } from "./compiled-content.ts";
import { defaultTlsName } from "./default-tls.ts";

/** One for all: a new one for each resource takes longer than the encoding itself. */
let writer = new BinaryWriter();

export function encodeResource(kind: ResourceKind, name: string, body: Body): Resource {
  let payload: Uint8Array;
  try {
    payload = ResourceBody.encode({ features: neededFeatures(body), body }, writer).finish();
  } catch (error) {
    writer = new BinaryWriter(); // the old one holds a part of what cannot be encoded
    throw error;
  }
  return { kind, name, hash: hash("sha256", payload, "buffer"), payload };
}

function neededFeatures(body: Body): ResourceFeature[] {
  const needed: ResourceFeature[] = [];
  if (body.$case === "entryPoint") {
    const { httpMiddlewares, underscoreHeaders, deniedPathCharacters } = body.value;
    if (httpMiddlewares.length > 0) needed.push("entry-point-middlewares");
    if (underscoreHeaders !== UnderscoreHeaders.KEEP) needed.push("underscore-headers");
    if (deniedPathCharacters !== "") needed.push("denied-path-characters");
    if (body.value.httpTls !== undefined) needed.push("entry-point-tls");
    if (body.value.udp !== undefined) needed.push("udp-entry-point");
  }
  if (body.$case === "httpRouter") {
    const { parents, tls, defaultTlsOn } = body.value;
    if (parents.length > 0) needed.push("parent-routers");
    if (tls !== undefined || defaultTlsOn.length > 0) needed.push("router-tls");
  }
  if (body.$case === "tcpRouter" && body.value.tls !== undefined) needed.push("tcp-router-tls");
  return needed;
}

/** Absent: of a newer schema, or no resource body at all. */
export function decodeBody(payload: Uint8Array): Body | undefined {
  try {
    return ResourceBody.decode(payload).body;
  } catch {
    return undefined;
  }
}

/** Ids of the objects a resource cannot do without, each once. */
export function requiredObjects(body: Body): readonly string[] {
  switch (body.$case) {
    case "httpRouter": {
      const { service, middlewares, tls } = body.value;
      const needed = [...middlewareIds(middlewares), ...optionsIds(tls?.options)];
      return service === ""
        ? needed
        : [objectId({ kind: "httpService", name: service }), ...needed];
    }
    case "tcpRouter": {
      const { service, tls } = body.value;
      const options = tls?.passthrough === true ? undefined : tls?.options;
      return [objectId({ kind: "tcpService", name: service }), ...optionsIds(options)];
    }
    case "udpRouter":
      return [objectId({ kind: "udpService", name: body.value.service })];
    case "udpService": {
      const { type } = body.value;
      if (type?.$case !== "weighted") return [];
      const names = new Set(type.value.services.map(({ name }) => name));
      return [...names].map((name) => objectId({ kind: "udpService", name }));
    }
    case "httpMiddleware": {
      const { type } = body.value;
      return type?.$case === "chain" ? middlewareIds(type.value.middlewares) : [];
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

/** Ids of the objects it goes on without, and says so: what an entry point gives every router on it. */
export function mentionedObjects(body: Body): readonly string[] {
  if (body.$case !== "entryPoint") return [];
  const { httpMiddlewares, httpTls } = body.value;
  const named = httpMiddlewares.filter((name) => name.includes("@"));
  const options = httpTls?.options.includes("@") === true ? httpTls.options : undefined;
  return [...middlewareIds(named), ...optionsIds(options)];
}

/** Options an entry point gives to routers without TLS of their own, as written; undefined: it gives none. */
export function givenTlsOf(body: Body): string | undefined {
  return body.$case === "entryPoint" ? body.value.httpTls?.options : undefined;
}

/** Whether it is an entry point for UDP. */
export function takesUdp(body: Body): boolean {
  return body.$case === "entryPoint" && body.value.udp !== undefined;
}

/** What a router asked for when it was compiled. */
export function tlsOf(body: Body): RouterTls | undefined {
  if (body.$case !== "httpRouter" || body.value.tls === undefined) return undefined;
  return { options: body.value.tls.options, hosts: ruleHosts(body) };
}

/** A name without provider means another middleware for each provider's routers, which mention it themselves. */
export function localMiddlewaresOf(body: Body): readonly string[] {
  if (body.$case !== "entryPoint") return [];
  return body.value.httpMiddlewares.filter((name) => !name.includes("@"));
}

/** Hosts a router's rule names. */
export function ruleHosts(body: Body): readonly string[] {
  if (body.$case !== "httpRouter" && body.$case !== "tcpRouter") return [];
  return body.value.rule === undefined ? [] : ruleDomains(decodeRule(body.value.rule));
}

export function parentsOf(body: Body): readonly string[] {
  if (body.$case !== "httpRouter") return [];
  return body.value.parents;
}

export function withParents(body: Body, parents: readonly string[]): Body {
  if (body.$case !== "httpRouter") return body;
  return { $case: "httpRouter", value: { ...body.value, parents: [...parents] } };
}

/** What a carried-over router asks for; whether it once followed the defaults is not in its bytes. */
export function entryPointsOf(body: Body): EntryPointSelection | undefined {
  if (body.$case === "tcpRouter" || body.$case === "udpRouter") return body.value.entryPoints;
  if (body.$case !== "httpRouter" || body.value.parents.length > 0) return undefined;
  return body.value.entryPoints;
}

/** Entry points where a router had the default TLS options when it was compiled. */
export function defaultTlsOnOf(body: Body): readonly string[] {
  return body.$case === "httpRouter" ? body.value.defaultTlsOn : [];
}

export function bound(
  body: Body,
  entryPoints: readonly string[],
  defaultTlsOn: readonly string[],
): Body {
  switch (body.$case) {
    case "httpRouter": {
      const places = { entryPoints: [...entryPoints], defaultTlsOn: [...defaultTlsOn] };
      return { $case: "httpRouter", value: { ...body.value, ...places } };
    }
    case "tcpRouter":
      return { $case: "tcpRouter", value: { ...body.value, entryPoints: [...entryPoints] } };
    case "udpRouter":
      return { $case: "udpRouter", value: { ...body.value, entryPoints: [...entryPoints] } };
    case "nodeSettings":
    case "entryPoint":
    case "httpService":
    case "httpMiddleware":
    case "tcpService":
    case "udpService":
    case "tlsOptions":
    case "tlsCertificate":
    case "tlsStore":
      return body;
  }
}

function optionsIds(name: string | undefined): readonly string[] {
  if (name === undefined || name === defaultTlsName) return [];
  return [objectId({ kind: "tlsOptions", name })];
}

export function middlewareIds(names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  return [...new Set(names)].map((name) => objectId({ kind: "httpMiddleware", name }));
}

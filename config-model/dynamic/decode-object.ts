/** From a node to the typed object a provider emits; all sources end here. */
import { shownText } from "../../foundation/shown-text.ts";
import type { ConfigNode, Place } from "../schema/config-node.ts";
import { NodeDecoder } from "../schema/decode-node.ts";
import type { Schema } from "../schema/schema.ts";
import { buildTlsCertificate, buildTlsOptions, buildTlsStore } from "./build-tls.ts";
import { deniedCharacters } from "./denied-characters.ts";
import type { Diagnostic, SourcePosition } from "./diagnostic.ts";
import type { DynamicObject, UnbuiltKey } from "./dynamic-object.ts";
import type { ObjectKey } from "./object-key.ts";
import { kindDefinition, type ProvidedKind } from "./schema/dynamic-schema.ts";
import { httpMiddlewareSchema } from "./schema/http-middleware-schema.ts";
import { httpRouterSchema } from "./schema/http-router-schema.ts";
import { httpServiceSchema } from "./schema/http-service-schema.ts";
import {
  tcpRouterSchema,
  tcpServiceSchema,
  udpRouterSchema,
  udpServiceSchema,
} from "./schema/tcp-udp-schema.ts";
import { tlsCertificateSchema, tlsOptionsSchema, tlsStoreSchema } from "./schema/tls-schema.ts";
import type { SourceObject } from "./source-object.ts";

export interface ProvidedKey extends ObjectKey {
  readonly kind: ProvidedKind;
}

export interface ObjectNode {
  readonly key: ProvidedKey;
  /** Where the object begins. */
  readonly place: Place;
  readonly node: ConfigNode;
}

export function decodeObject(
  { key, place, node }: ObjectNode,
  locate: (place: Place) => SourcePosition,
): SourceObject {
  const { noun } = kindDefinition(key.kind);
  const decoder = new NodeDecoder(`${noun} "${shownText(key.name)}"`);
  const build = node.kind === "null" ? undefined : buildObject(key.kind, node, decoder, place);
  if (node.kind === "null")
    decoder.error("invalid-value", place, `${capitalised(decoder.label)} is empty`);
  const problems =
    decoder.problems.length === 0
      ? noProblems
      : decoder.problems.map(({ place: at, ...problem }): Diagnostic => {
          return { object: key, ...problem, source: locate(at) };
        });
  const broken = problems.some(({ severity }) => severity === "error");
  const config = broken ? undefined : build?.(sortedUnbuilt(decoder));
  return { source: locate(place), config, problems };
}

/** Of most objects. */
const noProblems: readonly Diagnostic[] = [];
const nothingUnbuilt: readonly UnbuiltKey[] = [];

/** By path, so that the order of lines in a source changes nothing. */
function sortedUnbuilt({ unbuilt }: NodeDecoder): readonly UnbuiltKey[] {
  if (unbuilt.length === 0) return nothingUnbuilt;
  return unbuilt
    .map(({ path, effect }) => ({ path, effect }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

type Build = (unbuilt: readonly UnbuiltKey[]) => DynamicObject;

function buildObject(
  kind: ProvidedKind,
  node: ConfigNode,
  decoder: NodeDecoder,
  place: Place,
): Build | undefined {
  switch (kind) {
    case "httpRouter":
      return buildHttpRouter(decoder, node);
    case "httpService":
      return buildHttpService(decoder, node, place);
    case "httpMiddleware":
      return buildHttpMiddleware(decoder, node, place);
    case "tcpRouter":
      return buildTcpRouter(decoder, node);
    case "tcpService":
      return buildTcpService(decoder, node, place);
    case "udpRouter":
      return buildUdpRouter(decoder, node);
    case "udpService":
      return buildUdpService(decoder, node, place);
    case "httpModel":
    case "httpServersTransport":
    case "tcpMiddleware":
    case "tcpServersTransport":
      decoder.decode(kindDefinition(kind).schema, node);
      return (unbuilt) => ({ kind, unbuilt });
    case "tlsOptions": {
      const value = decoder.decode(tlsOptionsSchema, node);
      return value && buildTlsOptions(value);
    }
    case "tlsStore": {
      const value = decoder.decode(tlsStoreSchema, node);
      return value && buildTlsStore(value);
    }
    case "tlsCertificate": {
      const value = decoder.decode(tlsCertificateSchema, node);
      return value && buildTlsCertificate(value);
    }
  }
}

function buildHttpRouter(decoder: NodeDecoder, node: ConfigNode): Build | undefined {
  const value = decoder.decode(httpRouterSchema, node);
  if (value === undefined) return undefined;
  const { entryPoints, middlewares = [], service, rule, priority, parentRefs = [], tls } = value;
  return (unbuilt) => ({
    kind: "httpRouter",
    entryPoints: nonEmpty(entryPoints),
    middlewares,
    service: service || undefined,
    rule: rule || undefined,
    priority,
    parentRefs,
    tls: tls && { options: tls.options || undefined },
    hasObservability: value.observability !== undefined,
    unbuilt,
  });
}

function buildTcpRouter(decoder: NodeDecoder, node: ConfigNode): Build | undefined {
  const value = decoder.decode(tcpRouterSchema, node);
  if (value === undefined) return undefined;
  const { entryPoints, service, rule, priority, tls } = value;
  return (unbuilt) => ({
    kind: "tcpRouter",
    entryPoints: nonEmpty(entryPoints),
    service: service || undefined,
    rule: rule || undefined,
    priority,
    tls: tls && { options: tls.options || undefined, passthrough: tls.passthrough },
    unbuilt,
  });
}

/** No entry point named is the same as no list. */
function nonEmpty(names: readonly string[] | undefined): readonly string[] | undefined {
  return names?.length === 0 ? undefined : names;
}

function buildHttpService(decoder: NodeDecoder, node: ConfigNode, place: Place): Build | undefined {
  const value = decoder.decode(httpServiceSchema, node);
  if (value === undefined) return undefined;
  if (!checkOneType(decoder, place, value, httpServiceTypes)) return undefined;
  const { loadBalancer } = value;
  return (unbuilt) => ({
    kind: "httpService",
    loadBalancer: loadBalancer && {
      servers: (loadBalancer.servers ?? []).map(({ url = "", weight, preservePath }) => {
        return { url, weight, preservePath };
      }),
      passHostHeader: loadBalancer.passHostHeader,
      flushIntervalMs: clampToInt32(loadBalancer.responseForwarding.flushInterval),
    },
    unbuilt,
  });
}

function clampToInt32(value: number): number {
  return Math.max(-2_147_483_647, Math.min(2_147_483_647, value));
}

function buildTcpService(decoder: NodeDecoder, node: ConfigNode, place: Place): Build | undefined {
  const value = decoder.decode(tcpServiceSchema, node);
  if (value === undefined || !checkOneType(decoder, place, value, tcpServiceTypes))
    return undefined;
  const { loadBalancer } = value;
  return (unbuilt) => ({
    kind: "tcpService",
    loadBalancer: loadBalancer && {
      servers: (loadBalancer.servers ?? []).map(({ address = "" }) => ({ address })),
    },
    unbuilt,
  });
}

function buildUdpRouter(decoder: NodeDecoder, node: ConfigNode): Build | undefined {
  const value = decoder.decode(udpRouterSchema, node);
  if (value === undefined) return undefined;
  const entryPoints = nonEmpty(value.entryPoints);
  const service = value.service || undefined;
  return (unbuilt) => ({ kind: "udpRouter", entryPoints, service, unbuilt });
}

function buildUdpService(decoder: NodeDecoder, node: ConfigNode, place: Place): Build | undefined {
  const value = decoder.decode(udpServiceSchema, node);
  if (value === undefined || !checkOneType(decoder, place, value, udpServiceTypes)) {
    return undefined;
  }
  const { loadBalancer, weighted } = value;
  return (unbuilt) => ({
    kind: "udpService",
    ...(loadBalancer && {
      loadBalancer: {
        servers: (loadBalancer.servers ?? []).map(({ address = "" }) => ({ address })),
      },
    }),
    ...(weighted && {
      weighted: {
        services: (weighted.services ?? []).map(({ name = "", weight }) => ({ name, weight })),
      },
    }),
    unbuilt,
  });
}

function buildHttpMiddleware(
  decoder: NodeDecoder,
  node: ConfigNode,
  place: Place,
): Build | undefined {
  const value = decoder.decode(httpMiddlewareSchema, node);
  if (value === undefined || !checkOneType(decoder, place, value, httpMiddlewareTypes)) {
    return undefined;
  }
  const { addPrefix, stripPrefix, headers, chain } = value;
  if (addPrefix !== undefined && !addPrefix.prefix) {
    return decoder.error("invalid-value", place, `addPrefix of ${decoder.label} needs a prefix`);
  }
  const { stripPrefixRegex, replacePath, replacePathRegex } = value;
  const { redirectRegex, redirectScheme, encodedCharacters, basicAuth } = value;
  return (unbuilt) => ({
    kind: "httpMiddleware",
    ...(addPrefix && { addPrefix: { prefix: addPrefix.prefix ?? "" } }),
    ...(stripPrefix && { stripPrefix: { prefixes: stripPrefix.prefixes ?? [] } }),
    ...(headers && {
      headers: {
        customRequestHeaders: headers.customRequestHeaders ?? new Map(),
        customResponseHeaders: headers.customResponseHeaders ?? new Map(),
      },
    }),
    ...(chain && { chain: { middlewares: chain.middlewares ?? [] } }),
    ...(stripPrefixRegex && { stripPrefixRegex: { regex: stripPrefixRegex.regex ?? [] } }),
    ...(replacePath && { replacePath: { path: replacePath.path ?? "" } }),
    ...(replacePathRegex && { replacePathRegex: replacementOf(replacePathRegex) }),
    ...(redirectRegex && {
      redirectRegex: { ...replacementOf(redirectRegex), permanent: redirectRegex.permanent },
    }),
    ...(redirectScheme && {
      redirectScheme: {
        scheme: redirectScheme.scheme ?? "",
        port: redirectScheme.port ?? "",
        permanent: redirectScheme.permanent,
      },
    }),
    ...(encodedCharacters && {
      encodedCharacters: { denied: deniedCharacters(encodedCharacters) },
    }),
    ...(basicAuth && {
      basicAuth: {
        users: basicAuth.users ?? [],
        usersFile: basicAuth.usersFile
          ? { path: basicAuth.usersFile, content: undefined }
          : undefined,
        realm: basicAuth.realm || "traefik",
        headerField: basicAuth.headerField ?? "",
        removeHeader: basicAuth.removeHeader,
      },
    }),
    unbuilt,
  });
}

function replacementOf({
  regex = "",
  replacement = "",
}: {
  readonly regex: string | undefined;
  readonly replacement: string | undefined;
}): { readonly regex: string; readonly replacement: string } {
  return { regex, replacement };
}

const httpServiceTypes = fieldNames(httpServiceSchema).filter((name) => name !== "middlewares");
const tcpServiceTypes = fieldNames(tcpServiceSchema);
const udpServiceTypes = fieldNames(udpServiceSchema);
const httpMiddlewareTypes = fieldNames(httpMiddlewareSchema);

function fieldNames({ shape }: Schema<unknown>): readonly string[] {
  return shape.kind === "struct" ? Object.keys(shape.fields) : [];
}

/** Services and middlewares have exactly one type. Says nothing when another mistake already explains the lack. */
function checkOneType(
  decoder: NodeDecoder,
  place: Place,
  value: Readonly<Record<string, unknown>>,
  types: readonly string[],
): boolean {
  const used = types.filter((type) => value[type] !== undefined);
  if (used.length === 1) return true;
  const label = capitalised(decoder.label);
  if (used.length > 1) {
    decoder.error(
      "invalid-value",
      place,
      `${label} has several types: ${used.join(", ")}`,
      "give each a name of its own",
    );
  } else if (decoder.problems.length === 0) {
    const hint = `valid are ${types.join(", ")}`;
    decoder.error("invalid-value", place, `${label} has no type`, hint);
  }
  return false;
}

function capitalised(label: string): string {
  return label.charAt(0).toUpperCase() + label.slice(1);
}

/** Resources as a data plane gets them, with only what a test cares about to say. */
import assert from "node:assert/strict";
import { parseRule } from "../../config-model/rule/parse-rule.ts";
import type { Rule } from "../../config-model/rule/rule.ts";
import { defaultRulePriority } from "../../config-model/rule/rule-priority.ts";
import { ChangeListParts } from "../../config-model/snapshot/change-list-codec.ts";
import type { Resource, ResourceKey } from "../../config-model/snapshot/resource.ts";
import { encodeRule } from "../../config-model/snapshot/rule-codec.ts";
import {
  EntryPoint,
  type HttpLoadBalancer,
  type HttpMiddleware,
  HttpServer,
  ResourceBody,
  ResourceKind,
  type TcpRouterTls,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { resourceOf } from "./resources.ts";

type Body = NonNullable<ResourceBody["body"]>;

const kinds: Readonly<Record<Body["$case"], ResourceKind>> = {
  nodeSettings: ResourceKind.NODE_SETTINGS,
  entryPoint: ResourceKind.ENTRY_POINT,
  httpRouter: ResourceKind.HTTP_ROUTER,
  httpService: ResourceKind.HTTP_SERVICE,
  httpMiddleware: ResourceKind.HTTP_MIDDLEWARE,
  tcpRouter: ResourceKind.TCP_ROUTER,
  tcpService: ResourceKind.TCP_SERVICE,
  udpRouter: ResourceKind.UDP_ROUTER,
  udpService: ResourceKind.UDP_SERVICE,
  tlsOptions: ResourceKind.TLS_OPTIONS,
  tlsCertificate: ResourceKind.TLS_CERTIFICATE,
  tlsStore: ResourceKind.TLS_STORE,
};

export function bodyResource(name: string, body: Body, features: string[] = []): Resource {
  const payload = ResourceBody.encode({ features, body }).finish();
  return resourceOf(kinds[body.$case], name, payload);
}

export function keyOf({ kind, name }: Resource): ResourceKey {
  return { kind, name };
}

export function ruleOf(text: string, protocol: "http" | "tcp" = "http"): Rule {
  const parse = parseRule(text, protocol);
  assert(parse.ok, `rule ${text}: ${parse.ok ? "" : parse.problem.message}`);
  return parse.rule;
}

interface RouterFields {
  readonly rule?: string;
  readonly service?: string;
  readonly entryPoints?: readonly string[];
  readonly middlewares?: readonly string[];
  readonly priority?: bigint;
  readonly precedence?: number;
  readonly parents?: readonly string[];
  readonly tls?: string;
  readonly defaultTlsOn?: readonly string[];
}

export function routerOf(name: string, fields: RouterFields = {}): Resource {
  const text = fields.rule ?? "PathPrefix(`/`)";
  const rule = ruleOf(text);
  return bodyResource(name, {
    $case: "httpRouter",
    value: {
      entryPoints: [...(fields.entryPoints ?? (fields.parents ? [] : ["web"]))],
      rule: encodeRule(rule),
      priority: fields.priority ?? defaultRulePriority(text, rule),
      precedence: fields.precedence ?? 0,
      middlewares: [...(fields.middlewares ?? [])],
      service: fields.service ?? "app",
      parents: [...(fields.parents ?? [])],
      tls: fields.tls === undefined ? undefined : { options: fields.tls },
      defaultTlsOn: [...(fields.defaultTlsOn ?? [])],
    },
  });
}

export function serviceOf(
  name: string,
  servers: readonly (number | Partial<HttpServer>)[],
  fields: Partial<HttpLoadBalancer> = {},
): Resource {
  const value: HttpLoadBalancer = {
    servers: servers.map((server) =>
      serverOf(typeof server === "number" ? { port: server } : server),
    ),
    passHostHeader: true,
    flushIntervalMs: 100,
    ...fields,
  };
  const body: Body = {
    $case: "httpService",
    value: { type: { $case: "loadBalancer", value } },
  };
  return bodyResource(name, body);
}

function serverOf(fields: Partial<HttpServer>): HttpServer {
  const { host = "127.0.0.1", port = 80 } = fields;
  const authority = `${host}:${port}`;
  return HttpServer.create({
    scheme: "http",
    host,
    port,
    authority,
    weight: 1,
    url: `http://${authority}`,
    ...fields,
  });
}

export function middlewareOf(name: string, type: NonNullable<HttpMiddleware["type"]>): Resource {
  return bodyResource(name, { $case: "httpMiddleware", value: { type } });
}

export function webEntryPoint(name = "web", fields: Partial<EntryPoint> = {}): Resource {
  const value = EntryPoint.create({
    host: "127.0.0.1",
    readTimeoutMs: 60_000,
    idleTimeoutMs: 180_000,
    graceTimeoutMs: 5_000,
    maxHeaderBytes: 1_048_576,
    sanitizePath: true,
    ...fields,
  });
  return bodyResource(name, { $case: "entryPoint", value });
}

interface TcpRouterFields
  extends Pick<RouterFields, "rule" | "service" | "entryPoints" | "priority" | "precedence"> {
  readonly tls?: Partial<TcpRouterTls>;
}

export function tcpRouterOf(name: string, fields: TcpRouterFields = {}): Resource {
  const text = fields.rule ?? "HostSNI(`*`)";
  const rule = ruleOf(text, "tcp");
  return bodyResource(name, {
    $case: "tcpRouter",
    value: {
      entryPoints: [...(fields.entryPoints ?? ["web"])],
      rule: encodeRule(rule),
      priority: fields.priority ?? defaultRulePriority(text, rule),
      precedence: fields.precedence ?? 0,
      service: fields.service ?? "app",
      tls: fields.tls && { options: "default", passthrough: false, ...fields.tls },
    },
  });
}

export function tcpServiceOf(name: string, ports: readonly number[]): Resource {
  const servers = ports.map((port) => ({ host: "127.0.0.1", port }));
  return bodyResource(name, {
    $case: "tcpService",
    value: { type: { $case: "loadBalancer", value: { servers } } },
  });
}

export function udpEntryPoint(name = "dns", fields: Partial<EntryPoint> = {}): Resource {
  return webEntryPoint(name, { udp: { sessionTimeoutMs: 3_000 }, ...fields });
}

export function udpRouterOf(
  name: string,
  { service = "app", entryPoints = ["dns"] }: Pick<RouterFields, "service" | "entryPoints"> = {},
): Resource {
  const value = { entryPoints: [...entryPoints], service };
  return bodyResource(name, { $case: "udpRouter", value });
}

export function udpServiceOf(
  name: string,
  servers: readonly (number | { readonly host: string; readonly port: number })[],
): Resource {
  const places = servers.map((server) => {
    return typeof server === "number" ? { host: "127.0.0.1", port: server } : server;
  });
  return bodyResource(name, {
    $case: "udpService",
    value: { type: { $case: "loadBalancer", value: { servers: places } } },
  });
}

export function udpWeightedOf(name: string, weights: Readonly<Record<string, number>>): Resource {
  const services = Object.entries(weights).map(([service, weight]) => ({ name: service, weight }));
  return bodyResource(name, {
    $case: "udpService",
    value: { type: { $case: "weighted", value: { services } } },
  });
}

/** Encoded as an agent sends them. */
export function changeParts(
  upserts: readonly Resource[],
  removals: readonly ResourceKey[] = [],
): Uint8Array[] {
  return [...new ChangeListParts({ upserts, removals })];
}

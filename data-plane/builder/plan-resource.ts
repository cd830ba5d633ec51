import { maxRuleDepth, type Rule } from "../../config-model/rule/rule.ts";
import type { ChangedResource } from "../../config-model/snapshot/read-change-list.ts";
import { decodeRule } from "../../config-model/snapshot/rule-codec.ts";
import { isAddressOrRange } from "../../foundation/ip-range.ts";
import type { Logger } from "../../foundation/log.ts";
import { shuffled } from "../../foundation/shuffled.ts";
import { TextPool } from "../../foundation/text-pool.ts";
import {
  type EntryPoint,
  type HttpRouter,
  ResourceBody,
  type Rule as RuleMessage,
  type TcpRouter,
  type TcpTransport,
  type UdpService,
  UnderscoreHeaders,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { DeniedCharacters } from "../http/denied-characters.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import type { CounterFamily } from "../metrics/counter-registry.ts";
import { placementKeys } from "../routing/placement.ts";
import { compactPriority } from "../routing/route.ts";
import type { Definition } from "../switcher/cell.ts";
import { compileConnectionRule } from "../tcp/connection-rule.ts";
import { demandedServerNames } from "../tcp/demanded-server-names.ts";
import { offeredProtocols } from "../tcp/offered-protocols.ts";
import type { TcpRouterPlan } from "../tcp/tcp-router.ts";
import { compileTcpRule } from "../tcp/tcp-rule.ts";
import { TcpService } from "../tcp/tcp-service.ts";
import { planTlsCertificate, planTlsOptions, planTlsStore } from "../tls/tls-plan.ts";
import type { UdpHandler } from "../udp/udp-handler.ts";
import { UdpServer } from "../udp/udp-server.ts";
import { UdpLoadBalancer, UdpWeighted } from "../udp/udp-service.ts";
import { HttpService, type HttpUpstream } from "../upstream/http-service.ts";
import { builtFeatures } from "./built-features.ts";
import type { LiveState } from "./live-state.ts";
import { planMiddleware } from "./plan-middleware.ts";
import { type MakeUpstream, planService } from "./plan-service.ts";
import { planKindOf, type ResourcePlan } from "./resource-plan.ts";

export interface PlanContext {
  /** What serves now. */
  readonly live: LiveState;
  readonly makeUpstream: MakeUpstream;
  readonly transport: { readonly tcp: TcpTransport };
  readonly serviceCounters: CounterFamily;
  readonly log: Logger;
  /** Takes note of what must be closed if the plan never serves. */
  readonly made: HttpUpstream[];
}

/** 128 bits of the hash: equal means that nothing has changed. */
export function fingerprintOf({ hash }: ChangedResource): string {
  return Buffer.from(hash.buffer, hash.byteOffset, Math.min(16, hash.byteLength)).toString(
    "latin1",
  );
}

/** Throws with the reason when this version cannot use the resource. */
export function planResource(resource: ChangedResource, context: PlanContext): ResourcePlan {
  const { name } = resource;
  const kind = planKindOf(resource.kind);
  if (kind === undefined) throw new Error("its kind is unknown to this version");
  const { features, body } = decodeBody(resource.payload);
  const lacking = features.filter((feature) => !builtFeatures.has(feature));
  if (lacking.length > 0) {
    throw new Error(`it needs ${lacking.join(", ")}, which this version does not have`);
  }
  if (body?.$case !== kind) throw new Error("its content is not of its kind");
  const fingerprint = fingerprintOf(resource);
  switch (body.$case) {
    case "nodeSettings":
      return { kind: body.$case, name, plan: { fingerprint, settings: body.value } };
    case "entryPoint":
      checkEntryPoint(body.value);
      return { kind: body.$case, name, plan: { name, fingerprint, settings: body.value } };
    case "httpRouter":
      return { kind: body.$case, name, plan: planRouter(name, fingerprint, body.value) };
    case "httpService": {
      const { type } = body.value;
      if (type === undefined) throw new Error("its type is unknown to this version");
      if (type.$case === "noop") return { kind: body.$case, name, plan: noop(fingerprint) };
      const previous = context.live.services.definition(name);
      const { service, made } = planService({
        name,
        fingerprint,
        balancer: type.value,
        previous: previous instanceof HttpService ? previous : undefined,
        makeUpstream: context.makeUpstream,
        counters: context.serviceCounters,
      });
      context.made.push(...made);
      return { kind: body.$case, name, plan: service };
    }
    case "httpMiddleware":
      return { kind: body.$case, name, plan: planMiddleware(body.value, fingerprint) };
    case "tcpRouter":
      return { kind: body.$case, name, plan: planTcpRouter(name, fingerprint, body.value) };
    case "tcpService": {
      const { type } = body.value;
      if (type === undefined) throw new Error("its type is unknown to this version");
      const { transport, log } = context;
      const servers = shuffled(type.value.servers);
      return {
        kind: body.$case,
        name,
        plan: new TcpService({ name, fingerprint, servers, transport, log }),
      };
    }
    case "udpRouter": {
      const { entryPoints, service } = body.value;
      const plan = { name, fingerprint, entryPoints: shared(entryPoints), service };
      return { kind: body.$case, name, plan };
    }
    case "udpService":
      return { kind: body.$case, name, plan: planUdpService(fingerprint, body.value) };
    case "tlsOptions":
      return { kind: body.$case, name, plan: planTlsOptions({ name, fingerprint }, body.value) };
    case "tlsCertificate":
      return {
        kind: body.$case,
        name,
        plan: planTlsCertificate({ name, fingerprint }, body.value),
      };
    case "tlsStore":
      return { kind: body.$case, name, plan: planTlsStore({ name, fingerprint }, body.value) };
  }
}

function noop(fingerprint: string): Definition<HttpHandler> {
  const handler: HttpHandler = { handle: (exchange) => exchange.respond(418, "I'm a teapot") };
  return { fingerprint, members: [], bind: () => handler };
}

function decodeBody(payload: Uint8Array): ResourceBody {
  try {
    return ResourceBody.decode(payload);
  } catch (cause) {
    throw new Error("its content cannot be decoded", { cause });
  }
}

function planRouter(name: string, fingerprint: string, router: HttpRouter) {
  const { entryPoints, parents, middlewares, service, priority, precedence } = router;
  if (entryPoints.length > 0 && parents.length > 0) {
    throw new Error("it is bound to entry points and has parents");
  }
  return {
    name,
    fingerprint,
    priority: compactPriority(priority),
    precedence,
    entryPoints: shared(entryPoints),
    parents: parents.length === 0 ? noParents : parents,
    keys: placementKeys(readRule(router.rule)),
    middlewares,
    service,
    tlsOptions: router.tls && tlsOptions.of(router.tls.options),
    defaultTlsOn: shared(router.defaultTlsOn),
  };
}

/** Nearly all routers have one of a few. */
const tlsOptions = new TextPool(256);

function planTcpRouter(name: string, fingerprint: string, router: TcpRouter): TcpRouterPlan {
  const { entryPoints, service, priority, precedence, tls } = router;
  const rule = readRule(router.rule);
  return {
    name,
    fingerprint,
    priority: compactPriority(priority),
    precedence,
    entryPoints: shared(entryPoints),
    matches: tls === undefined ? compileTcpRule(rule) : compileConnectionRule(rule),
    serverNames: demandedServerNames(rule),
    isCatchAll: rule.kind === "matcher" && rule.name === "HostSNI" && rule.arguments[0] === "*",
    service,
    tls: tls && {
      options: tlsOptions.of(tls.options),
      isPassthrough: tls.passthrough,
      alpnProtocols: offeredProtocols(rule),
    },
  };
}

function planUdpService(fingerprint: string, { type }: UdpService): Definition<UdpHandler> {
  switch (type?.$case) {
    case "loadBalancer": {
      const servers = type.value.servers.map((server) => new UdpServer(server));
      return new UdpLoadBalancer({ fingerprint, servers: shuffled(servers) });
    }
    case "weighted":
      return new UdpWeighted({ fingerprint, services: shuffled(type.value.services) });
    case undefined:
      throw new Error("its type is unknown to this version");
  }
}

function readRule(message: RuleMessage | undefined): Rule {
  if (message === undefined) throw new Error("it has no rule");
  const rule = decodeRule(message);
  if (depthOf(rule) > maxRuleDepth) throw new Error(`its rule is deeper than ${maxRuleDepth}`);
  return rule;
}

function depthOf(rule: Rule): number {
  return rule.kind === "matcher" ? 1 : 1 + Math.max(0, ...rule.rules.map(depthOf));
}

function checkEntryPoint(entryPoint: EntryPoint): void {
  const { forwardedHeaders, underscoreHeaders, deniedPathCharacters } = entryPoint;
  for (const range of forwardedHeaders?.trustedIps ?? []) {
    if (!isAddressOrRange(range)) throw new Error(`"${range}" is neither an address nor a range`);
  }
  if (!underscoreStrategies.has(underscoreHeaders)) {
    throw new Error("what it does with underscores in header names is unknown to this version");
  }
  new DeniedCharacters(deniedPathCharacters);
}

const underscoreStrategies: ReadonlySet<UnderscoreHeaders> = new Set(
  Object.values(UnderscoreHeaders),
);

const noParents: readonly string[] = [];

/** Nearly all routers name the same few lists of entry points: one array for each list, not for each router. */
const sharedLists = new Map<string, readonly string[]>();

function shared(names: readonly string[]): readonly string[] {
  const key = names.join("\n");
  let list = sharedLists.get(key);
  if (list === undefined) {
    list = names;
    sharedLists.set(key, list);
  }
  return list;
}

/**
 * A resource made ready: everything that can fail is behind it, what is left is putting it in place. Plans are what a
 * transfer is built of, and what an unchanged resource is carried over to a new state by.
 */
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import type { HttpRouterPlan } from "../routing/http-router.ts";
import type { Definition } from "../switcher/cell.ts";
import type { TcpHandler } from "../tcp/tcp-handler.ts";
import type { TcpRouterPlan } from "../tcp/tcp-router.ts";
import type { TlsCertificatePlan, TlsOptionsPlan, TlsStorePlan } from "../tls/tls-plan.ts";
import type { UdpHandler } from "../udp/udp-handler.ts";
import type { UdpRouterPlan } from "../udp/udp-router.ts";
import type { EntryPointPlan, LiveState, NodeSettingsPlan } from "./live-state.ts";

export type ResourcePlan =
  | { readonly kind: "nodeSettings"; readonly name: string; readonly plan: NodeSettingsPlan }
  | { readonly kind: "entryPoint"; readonly name: string; readonly plan: EntryPointPlan }
  | { readonly kind: "httpRouter"; readonly name: string; readonly plan: HttpRouterPlan }
  | { readonly kind: "httpService"; readonly name: string; readonly plan: Definition<HttpHandler> }
  | {
      readonly kind: "httpMiddleware";
      readonly name: string;
      readonly plan: Definition<HttpHandler>;
    }
  | { readonly kind: "tcpRouter"; readonly name: string; readonly plan: TcpRouterPlan }
  | { readonly kind: "tcpService"; readonly name: string; readonly plan: Definition<TcpHandler> }
  | { readonly kind: "udpRouter"; readonly name: string; readonly plan: UdpRouterPlan }
  | { readonly kind: "udpService"; readonly name: string; readonly plan: Definition<UdpHandler> }
  | { readonly kind: "tlsOptions"; readonly name: string; readonly plan: TlsOptionsPlan }
  | { readonly kind: "tlsCertificate"; readonly name: string; readonly plan: TlsCertificatePlan }
  | { readonly kind: "tlsStore"; readonly name: string; readonly plan: TlsStorePlan };

export type PlanKind = ResourcePlan["kind"];

export const resourceKindOf: Readonly<Record<PlanKind, ResourceKind>> = {
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

const planKinds: ReadonlyMap<number, PlanKind> = new Map(
  (Object.keys(resourceKindOf) as PlanKind[]).map((kind) => [resourceKindOf[kind], kind]),
);

/** Absent: a kind this version does not build. */
export function planKindOf(resourceKind: number): PlanKind | undefined {
  return planKinds.get(resourceKind);
}

export function put(state: LiveState, { kind, name, plan }: ResourcePlan): void {
  switch (kind) {
    case "nodeSettings":
      state.nodeSettings = plan;
      return;
    case "entryPoint":
      state.putEntryPoint(plan);
      return;
    case "httpRouter":
      state.putRouter(plan);
      return;
    case "httpService":
      state.services.define(name, plan);
      return;
    case "httpMiddleware":
      state.middlewares.define(name, plan);
      return;
    case "tcpRouter":
      state.putTcpRouter(plan);
      return;
    case "tcpService":
      state.tcpServices.define(name, plan);
      return;
    case "udpRouter":
      state.putUdpRouter(plan);
      return;
    case "udpService":
      state.udpServices.define(name, plan);
      return;
    case "tlsOptions":
      state.tls.putOptions(plan);
      return;
    case "tlsCertificate":
      state.tls.certificates.put(plan);
      return;
    case "tlsStore":
      state.tls.putStore(plan);
  }
}

export function remove(state: LiveState, kind: PlanKind, name: string): void {
  switch (kind) {
    case "nodeSettings":
      state.nodeSettings = undefined;
      return;
    case "entryPoint":
      state.removeEntryPoint(name);
      return;
    case "httpRouter":
      state.removeRouter(name);
      return;
    case "httpService":
      state.services.remove(name);
      return;
    case "httpMiddleware":
      state.middlewares.remove(name);
      return;
    case "tcpRouter":
      state.removeTcpRouter(name);
      return;
    case "tcpService":
      state.tcpServices.remove(name);
      return;
    case "udpRouter":
      state.removeUdpRouter(name);
      return;
    case "udpService":
      state.udpServices.remove(name);
      return;
    case "tlsOptions":
      state.tls.removeOptions(name);
      return;
    case "tlsCertificate":
      state.tls.certificates.remove(name);
      return;
    case "tlsStore":
      state.tls.removeStore(name);
  }
}

/** Of what `state` holds under that name. */
export function fingerprintIn(state: LiveState, kind: PlanKind, name: string): string | undefined {
  switch (kind) {
    case "nodeSettings":
      return state.nodeSettings?.fingerprint;
    case "entryPoint":
      return state.entryPoints.get(name)?.plan.fingerprint;
    case "httpRouter":
      return state.routers.get(name)?.fingerprint;
    case "httpService":
      return state.services.definition(name)?.fingerprint;
    case "httpMiddleware":
      return state.middlewares.definition(name)?.fingerprint;
    case "tcpRouter":
      return state.tcpRouters.get(name)?.plan.fingerprint;
    case "tcpService":
      return state.tcpServices.definition(name)?.fingerprint;
    case "udpRouter":
      return state.udpRouters.get(name)?.plan.fingerprint;
    case "udpService":
      return state.udpServices.definition(name)?.fingerprint;
    case "tlsOptions":
      return state.tls.options.get(name)?.fingerprint;
    case "tlsCertificate":
      return state.tls.certificates.get(name)?.fingerprint;
    case "tlsStore":
      return state.tls.stores.get(name)?.fingerprint;
  }
}

/** To carry over what `state` holds under that name. */
export function planIn(state: LiveState, kind: PlanKind, name: string): ResourcePlan | undefined {
  switch (kind) {
    case "nodeSettings":
      return state.nodeSettings && { kind, name, plan: state.nodeSettings };
    case "entryPoint": {
      const plan = state.entryPoints.get(name)?.plan;
      return plan && { kind, name, plan };
    }
    case "httpRouter": {
      const plan = state.routers.get(name)?.plan;
      return plan && { kind, name, plan };
    }
    case "httpService": {
      const plan = state.services.definition(name);
      return plan && { kind, name, plan };
    }
    case "httpMiddleware": {
      const plan = state.middlewares.definition(name);
      return plan && { kind, name, plan };
    }
    case "tcpRouter": {
      const plan = state.tcpRouters.get(name)?.plan;
      return plan && { kind, name, plan };
    }
    case "tcpService": {
      const plan = state.tcpServices.definition(name);
      return plan && { kind, name, plan };
    }
    case "udpRouter": {
      const plan = state.udpRouters.get(name)?.plan;
      return plan && { kind, name, plan };
    }
    case "udpService": {
      const plan = state.udpServices.definition(name);
      return plan && { kind, name, plan };
    }
    case "tlsOptions": {
      const plan = state.tls.options.get(name);
      return plan && { kind, name, plan };
    }
    case "tlsCertificate": {
      const plan = state.tls.certificates.get(name);
      return plan && { kind, name, plan };
    }
    case "tlsStore": {
      const plan = state.tls.stores.get(name);
      return plan && { kind, name, plan };
    }
  }
}

/** Everything `state` holds. */
export function* plansIn(state: LiveState): Generator<ResourcePlan> {
  if (state.nodeSettings !== undefined) {
    yield { kind: "nodeSettings", name: "node", plan: state.nodeSettings };
  }
  for (const [name, { plan }] of state.entryPoints) yield { kind: "entryPoint", name, plan };
  for (const [name, plan] of state.services.definitions())
    yield { kind: "httpService", name, plan };
  for (const [name, plan] of state.middlewares.definitions()) {
    yield { kind: "httpMiddleware", name, plan };
  }
  for (const [name, plan] of state.tcpServices.definitions())
    yield { kind: "tcpService", name, plan };
  for (const [name, plan] of state.udpServices.definitions())
    yield { kind: "udpService", name, plan };
  for (const [name, { plan }] of state.routers) yield { kind: "httpRouter", name, plan };
  for (const [name, { plan }] of state.tcpRouters) yield { kind: "tcpRouter", name, plan };
  for (const [name, { plan }] of state.udpRouters) yield { kind: "udpRouter", name, plan };
  for (const [name, plan] of state.tls.options) yield { kind: "tlsOptions", name, plan };
  for (const plan of state.tls.certificates.all()) {
    yield { kind: "tlsCertificate", name: plan.name, plan };
  }
  for (const [name, plan] of state.tls.stores) yield { kind: "tlsStore", name, plan };
}

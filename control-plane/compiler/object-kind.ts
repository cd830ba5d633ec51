import type { ObjectKey, ObjectKind } from "../../config-model/dynamic/object-key.ts";
import type { ResourceKey } from "../../config-model/snapshot/resource.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";

interface KindDescription {
  /** Absent: a kind that is never sent (models are applied here). */
  readonly resource: ResourceKind | undefined;
  /** As operators read it. */
  readonly noun: string;
}

const kinds: Readonly<Record<ObjectKind, KindDescription>> = {
  nodeSettings: { resource: ResourceKind.NODE_SETTINGS, noun: "node settings" },
  entryPoint: { resource: ResourceKind.ENTRY_POINT, noun: "entry point" },
  httpRouter: { resource: ResourceKind.HTTP_ROUTER, noun: "router" },
  httpService: { resource: ResourceKind.HTTP_SERVICE, noun: "service" },
  httpMiddleware: { resource: ResourceKind.HTTP_MIDDLEWARE, noun: "middleware" },
  httpModel: { resource: undefined, noun: "model" },
  httpServersTransport: {
    resource: ResourceKind.HTTP_SERVERS_TRANSPORT,
    noun: "servers transport",
  },
  tcpRouter: { resource: ResourceKind.TCP_ROUTER, noun: "TCP router" },
  tcpService: { resource: ResourceKind.TCP_SERVICE, noun: "TCP service" },
  tcpMiddleware: { resource: ResourceKind.TCP_MIDDLEWARE, noun: "TCP middleware" },
  tcpServersTransport: {
    resource: ResourceKind.TCP_SERVERS_TRANSPORT,
    noun: "TCP servers transport",
  },
  udpRouter: { resource: ResourceKind.UDP_ROUTER, noun: "UDP router" },
  udpService: { resource: ResourceKind.UDP_SERVICE, noun: "UDP service" },
  tlsOptions: { resource: ResourceKind.TLS_OPTIONS, noun: "TLS options" },
  tlsStore: { resource: ResourceKind.TLS_STORE, noun: "TLS store" },
  tlsCertificate: { resource: ResourceKind.TLS_CERTIFICATE, noun: "TLS certificate" },
};

const objectKindOf: ReadonlyMap<ResourceKind, ObjectKind> = new Map(
  (Object.keys(kinds) as ObjectKind[]).flatMap((kind) => {
    const { resource } = kinds[kind];
    return resource === undefined ? [] : [[resource, kind] as const];
  }),
);

export function resourceKind(kind: ObjectKind): ResourceKind | undefined {
  return kinds[kind].resource;
}

export function kindNoun(kind: ObjectKind): string {
  return kinds[kind].noun;
}

/** `router "shop@file"`. */
export function describeObject({ kind, name }: ObjectKey): string {
  return `${kinds[kind].noun} "${name}"`;
}

/** The object a resource was compiled from; absent for a kind of a newer schema. */
export function objectKeyOf({ kind, name }: ResourceKey): ObjectKey | undefined {
  const objectKind = objectKindOf.get(kind);
  return objectKind === undefined ? undefined : { kind: objectKind, name };
}

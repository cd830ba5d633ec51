/** Which kind of object is sent as which kind of resource. */
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { ObjectKey, ObjectKind } from "../dynamic/object-key.ts";
import type { ResourceKey } from "./resource.ts";

const resourceKinds: Readonly<Record<ObjectKind, ResourceKind | undefined>> = {
  nodeSettings: ResourceKind.NODE_SETTINGS,
  entryPoint: ResourceKind.ENTRY_POINT,
  httpRouter: ResourceKind.HTTP_ROUTER,
  httpService: ResourceKind.HTTP_SERVICE,
  httpMiddleware: ResourceKind.HTTP_MIDDLEWARE,
  httpModel: undefined, // applied to routers by the compiler
  httpServersTransport: ResourceKind.HTTP_SERVERS_TRANSPORT,
  tcpRouter: ResourceKind.TCP_ROUTER,
  tcpService: ResourceKind.TCP_SERVICE,
  tcpMiddleware: ResourceKind.TCP_MIDDLEWARE,
  tcpServersTransport: ResourceKind.TCP_SERVERS_TRANSPORT,
  udpRouter: ResourceKind.UDP_ROUTER,
  udpService: ResourceKind.UDP_SERVICE,
  tlsOptions: ResourceKind.TLS_OPTIONS,
  tlsStore: ResourceKind.TLS_STORE,
  tlsCertificate: ResourceKind.TLS_CERTIFICATE,
};

const objectKinds: ReadonlyMap<ResourceKind, ObjectKind> = new Map(
  (Object.keys(resourceKinds) as ObjectKind[]).flatMap((objectKind) => {
    const kind = resourceKinds[objectKind];
    return kind === undefined ? [] : [[kind, objectKind] as const];
  }),
);

/** Absent: a kind that is never sent. */
export function resourceKindOf(kind: ObjectKind): ResourceKind | undefined {
  return resourceKinds[kind];
}

/** The object a resource was compiled from; absent for a kind of a newer schema. */
export function objectKeyOf({ kind, name }: ResourceKey): ObjectKey | undefined {
  const objectKind = objectKinds.get(kind);
  return objectKind === undefined ? undefined : { kind: objectKind, name };
}

/**
 * The table of everything a provider may say: `http.routers.<name>` and its kin, section by section. What is below an
 * object's name is in the schema of its kind.
 */
import type { Schema } from "../../schema/schema.ts";
import type { ObjectKind } from "../object-key.ts";
import { httpMiddlewareSchema } from "./http-middleware-schema.ts";
import { httpModelSchema, httpRouterSchema } from "./http-router-schema.ts";
import { httpServersTransportSchema, httpServiceSchema } from "./http-service-schema.ts";
import {
  tcpMiddlewareSchema,
  tcpRouterSchema,
  tcpServersTransportSchema,
  tcpServiceSchema,
  udpRouterSchema,
  udpServiceSchema,
} from "./tcp-udp-schema.ts";
import { tlsCertificateSchema, tlsOptionsSchema, tlsStoreSchema } from "./tls-schema.ts";

export type ProvidedKind = Exclude<ObjectKind, "entryPoint" | "nodeSettings">;

export interface KindDefinition {
  readonly kind: ProvidedKind;
  /** `router`, `TCP router`: how messages call it. */
  readonly noun: string;
  readonly schema: Schema<unknown>;
  /** Objects without names, in a list. */
  readonly unnamed: boolean;
}

function named(kind: ProvidedKind, noun: string, schema: Schema<unknown>): KindDefinition {
  return { kind, noun, schema, unnamed: false };
}

/** Section → collection → kind, as Traefik spells them. */
const dynamicSections = {
  http: {
    routers: named("httpRouter", "router", httpRouterSchema),
    services: named("httpService", "service", httpServiceSchema),
    middlewares: named("httpMiddleware", "middleware", httpMiddlewareSchema),
    models: named("httpModel", "model", httpModelSchema),
    serversTransports: named(
      "httpServersTransport",
      "servers transport",
      httpServersTransportSchema,
    ),
  },
  tcp: {
    routers: named("tcpRouter", "TCP router", tcpRouterSchema),
    services: named("tcpService", "TCP service", tcpServiceSchema),
    middlewares: named("tcpMiddleware", "TCP middleware", tcpMiddlewareSchema),
    serversTransports: named(
      "tcpServersTransport",
      "TCP servers transport",
      tcpServersTransportSchema,
    ),
  },
  udp: {
    routers: named("udpRouter", "UDP router", udpRouterSchema),
    services: named("udpService", "UDP service", udpServiceSchema),
  },
  tls: {
    certificates: {
      kind: "tlsCertificate",
      noun: "certificate",
      schema: tlsCertificateSchema,
      unnamed: true,
    },
    options: named("tlsOptions", "TLS options", tlsOptionsSchema),
    stores: named("tlsStore", "TLS store", tlsStoreSchema),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, KindDefinition>>>>;

interface Collection {
  readonly name: string;
  readonly definition: KindDefinition;
}

/** Sections and collections by lower-case name: both are case-insensitive. */
export const sectionsByLowerName: ReadonlyMap<
  string,
  { readonly name: string; readonly collections: ReadonlyMap<string, Collection> }
> = new Map(
  Object.entries(dynamicSections).map(([name, collections]) => [
    name,
    {
      name,
      collections: new Map(
        Object.entries<KindDefinition>(collections).map(([collection, definition]) => [
          collection.toLowerCase(),
          { name: collection, definition },
        ]),
      ),
    },
  ]),
);

const definitionsByKind: ReadonlyMap<string, KindDefinition> = new Map(
  [...sectionsByLowerName.values()].flatMap(({ collections }) =>
    [...collections.values()].map(({ definition }) => [definition.kind, definition] as const),
  ),
);

export function kindDefinition(kind: ProvidedKind): KindDefinition {
  const definition = definitionsByKind.get(kind);
  if (definition === undefined) throw new Error(`No schema for objects of kind ${kind}`);
  return definition;
}

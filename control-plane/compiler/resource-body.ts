/** What the compiler needs to do with the body of a resource: encode it, read its references, bind its entry points. */
import { hash } from "node:crypto";
import { objectId } from "../../config-model/dynamic/object-key.ts";
import type { ResourceFeature } from "../../config-model/snapshot/feature.ts";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import {
  ResourceBody,
  type ResourceKind,
  UnderscoreHeaders,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { Body, EntryPointSelection } from "./compiled-content.ts";

export function encodeResource(kind: ResourceKind, name: string, body: Body): Resource {
  const payload = ResourceBody.encode({ features: neededFeatures(body), body }).finish();
  return { kind, name, hash: hash("sha256", payload, "buffer"), payload };
}

function neededFeatures(body: Body): ResourceFeature[] {
  const needed: ResourceFeature[] = [];
  if (body.$case === "entryPoint") {
    const { httpMiddlewares, underscoreHeaders, deniedPathCharacters } = body.value;
    if (httpMiddlewares.length > 0) needed.push("entry-point-middlewares");
    if (underscoreHeaders !== UnderscoreHeaders.KEEP) needed.push("underscore-headers");
    if (deniedPathCharacters !== "") needed.push("denied-path-characters");
  }
  if (body.$case === "httpRouter" && body.value.parents.length > 0) needed.push("parent-routers");
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
    case "httpRouter":
      return [
        objectId({ kind: "httpService", name: body.value.service }),
        ...middlewareIds(body.value.middlewares),
      ];
    case "tcpRouter":
      return [objectId({ kind: "tcpService", name: body.value.service })];
    case "httpMiddleware": {
      const { type } = body.value;
      return type?.$case === "chain" ? middlewareIds(type.value.middlewares) : [];
    }
    case "nodeSettings":
    case "entryPoint":
    case "httpService":
    case "tcpService":
      return [];
  }
}

/** What a carried-over router asks for; whether it once followed the defaults is not in its bytes. */
export function entryPointsOf(body: Body): EntryPointSelection | undefined {
  return body.$case === "httpRouter" || body.$case === "tcpRouter"
    ? body.value.entryPoints
    : undefined;
}

export function withEntryPoints(body: Body, entryPoints: readonly string[]): Body {
  switch (body.$case) {
    case "httpRouter":
      return { $case: "httpRouter", value: { ...body.value, entryPoints: [...entryPoints] } };
    case "tcpRouter":
      return { $case: "tcpRouter", value: { ...body.value, entryPoints: [...entryPoints] } };
    case "nodeSettings":
    case "entryPoint":
    case "httpService":
    case "httpMiddleware":
    case "tcpService":
      return body;
  }
}

function middlewareIds(names: readonly string[]): readonly string[] {
  return [...new Set(names)].map((name) => objectId({ kind: "httpMiddleware", name }));
}

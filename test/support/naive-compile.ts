/**
 * What a snapshot must hold, computed from a whole configuration in the plainest way: no index, no state, everything
 * looked at again and again until nothing more can be let in. The compiler is measured against it.
 */
import { hash } from "node:crypto";
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { compileObject } from "../../control-plane/compiler/compile-object.ts";
import type { Body } from "../../control-plane/compiler/compiled-content.ts";
import { ResourceBody } from "../../proto/gen/switchyard/fleet/v1/resource.ts";

export interface QualifiedObject {
  readonly key: ObjectKey;
  readonly config: DynamicObject;
}

/** `kind:name` → hash, in hexadecimal, of its resource. */
export function naiveCompile(
  objects: readonly QualifiedObject[],
  precedence: readonly string[],
): Map<string, string> {
  const bodies = new Map<string, Body>();
  for (const { key, config } of objects) {
    const content = compileObject(key, config, precedence);
    if (content.kind === "usable") bodies.set(`${key.kind}:${key.name}`, content.body);
  }
  const entryPoints = objects.filter(({ key }) => bodies.has(`${key.kind}:${key.name}`));
  const valid = entryPoints.flatMap(({ key, config }) =>
    config.kind === "entryPoint" ? [{ name: key.name, asDefault: config.asDefault }] : [],
  );
  for (const { key, config } of objects) {
    const body = bodies.get(`${key.kind}:${key.name}`);
    if (body?.$case !== "httpRouter" && body?.$case !== "tcpRouter") continue;
    if (config.kind !== "httpRouter" && config.kind !== "tcpRouter") continue;
    body.value.entryPoints = entryPointsOf(config.entryPoints ?? [], valid);
    if (body.value.entryPoints.length === 0) bodies.delete(`${key.kind}:${key.name}`);
  }
  return letIn(bodies);
}

function entryPointsOf(
  asked: readonly string[],
  valid: readonly { readonly name: string; readonly asDefault: boolean }[],
): string[] {
  if (asked.length > 0) return asked.filter((name) => valid.some((one) => one.name === name));
  const anyMarked = valid.some(({ asDefault }) => asDefault);
  return valid
    .filter(({ name, asDefault }) => (anyMarked ? asDefault : name !== "traefik"))
    .map(({ name }) => name)
    .sort((a, b) => (a < b ? -1 : 1));
}

function letIn(bodies: ReadonlyMap<string, Body>): Map<string, string> {
  const included = new Map<string, string>();
  for (let before = -1; before < included.size; ) {
    before = included.size;
    for (const [id, body] of bodies) {
      if (included.has(id) || !needs(body).every((needed) => included.has(needed))) continue;
      const payload = ResourceBody.encode({ features: [], body }).finish();
      included.set(id, hash("sha256", payload));
    }
  }
  return included;
}

function needs(body: Body): string[] {
  switch (body.$case) {
    case "httpRouter": {
      const { service, middlewares } = body.value;
      return [`httpService:${service}`, ...middlewares.map((name) => `httpMiddleware:${name}`)];
    }
    case "tcpRouter":
      return [`tcpService:${body.value.service}`];
    case "httpMiddleware": {
      const { type } = body.value;
      if (type?.$case !== "chain") return [];
      return type.value.middlewares.map((name) => `httpMiddleware:${name}`);
    }
    case "nodeSettings":
    case "entryPoint":
    case "httpService":
    case "tcpService":
      return [];
  }
}

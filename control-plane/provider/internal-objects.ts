import type {
  DynamicObject,
  HttpMiddlewareConfig,
  HttpRouterConfig,
  HttpServiceConfig,
} from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { staticProvider } from "../../config-model/dynamic/qualified-name.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type {
  RedirectionConfig,
  StaticConfiguration,
} from "../../config-model/static/static-configuration.ts";

/** Name of the one node settings object of a fleet. */
const nodeSettingsName = "node";

/** For routers whose middlewares always answer; routers of every provider may name it `noop@internal`. */
const noop: HttpServiceConfig = {
  kind: "httpService",
  noop: true,
  loadBalancer: undefined,
  unbuilt: [],
};

/** The objects that follow from the static configuration; no key occurs twice. */
export function internalObjects({
  entryPoints,
  redirections,
  nodeSettings,
}: StaticConfiguration): readonly SourceChange[] {
  const changes = [...entryPoints].map(([name, config]) => {
    return toChange({ kind: "entryPoint", name }, `entryPoints.${name}`, config);
  });
  changes.push(
    toChange({ kind: "nodeSettings", name: nodeSettingsName }, "serversTransport", nodeSettings),
    toChange({ kind: "httpService", name: "noop" }, "internal", noop),
  );
  for (const redirection of redirections) {
    const { name, entryPoint } = redirection;
    const location = `entryPoints.${entryPoint}.http.redirections`;
    changes.push(
      toChange({ kind: "httpRouter", name }, location, router(redirection)),
      toChange(
        { kind: "httpMiddleware", name: `redirect-${name}` },
        location,
        redirect(redirection),
      ),
    );
  }
  return changes;
}

function router(redirection: RedirectionConfig): HttpRouterConfig {
  const { name, entryPoint, priority, passesAcmeChallenges } = redirection;
  const everything = "HostRegexp(`^.+$`)";
  return {
    kind: "httpRouter",
    entryPoints: [entryPoint],
    middlewares: [`redirect-${name}`],
    service: "noop",
    rule: passesAcmeChallenges
      ? `${everything} && !PathPrefix(\`/.well-known/acme-challenge/\`)`
      : everything,
    priority,
    parentRefs: [],
    tls: undefined,
    hasObservability: false,
    unbuilt: [],
  };
}

function redirect({ scheme, port, permanent }: RedirectionConfig): HttpMiddlewareConfig {
  return { kind: "httpMiddleware", redirectScheme: { scheme, port, permanent }, unbuilt: [] };
}

function toChange(key: ObjectKey, location: string, config: DynamicObject): SourceChange {
  return { key, object: { source: { provider: staticProvider, location }, config, problems: [] } };
}

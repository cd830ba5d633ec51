/** Compiles one object's own content, without a look at any other object (late binding). */
import type { DynamicObject, UnbuiltKey } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import type { FieldPath } from "../../config-model/schema/locate-field.ts";
import { compileEntryPoint } from "./compile-entry-point.ts";
import { compileHttpMiddleware } from "./compile-http-middleware.ts";
import { compileHttpRouter, compileHttpRouterOut } from "./compile-http-router.ts";
import { compileHttpService } from "./compile-http-service.ts";
import { compileNodeSettings } from "./compile-node-settings.ts";
import { compileTcpRouter } from "./compile-tcp-router.ts";
import { compileTcpService } from "./compile-tcp-service.ts";
import { compileTlsCertificate, compileTlsOptions, compileTlsStore } from "./compile-tls.ts";
import { compileUdpRouter } from "./compile-udp-router.ts";
import { compileUdpService } from "./compile-udp-service.ts";
import { type CompiledContent, out, type Problem } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import type { ProviderPrecedence } from "./router-priority.ts";

export function compileObject(
  key: ObjectKey,
  config: DynamicObject,
  precedence: ProviderPrecedence,
): CompiledContent {
  const closed = config.unbuilt.filter(({ effect }) => effect === "closed");
  if (closed.length > 0) {
    const problems = closed.map(closedProblem(key));
    if (config.kind === "httpRouter") return compileHttpRouterOut(key, config, problems);
    return { kind: "out", problems };
  }
  const content = compileKind(key, config, precedence);
  if (config.unbuilt.length === 0) return content;
  const degraded = config.unbuilt.map(({ path }) => degradedProblem(key, path));
  return { ...content, problems: [...content.problems, ...degraded] };
}

function compileKind(
  key: ObjectKey,
  config: DynamicObject,
  precedence: ProviderPrecedence,
): CompiledContent {
  switch (config.kind) {
    case "httpRouter":
      return compileHttpRouter(key, config, precedence);
    case "httpService":
      return compileHttpService(key, config);
    case "httpMiddleware":
      return compileHttpMiddleware(key, config);
    case "tcpRouter":
      return compileTcpRouter(key, config, precedence);
    case "tcpService":
      return compileTcpService(key, config);
    case "udpRouter":
      return compileUdpRouter(key, config);
    case "udpService":
      return compileUdpService(key, config);
    case "entryPoint":
      return compileEntryPoint(config);
    case "nodeSettings":
      return compileNodeSettings(config);
    case "tlsOptions":
      return compileTlsOptions(key, config);
    case "tlsStore":
      return compileTlsStore(key, config);
    case "tlsCertificate":
      return compileTlsCertificate(key, config);
    case "httpModel":
    case "httpServersTransport":
    case "tcpMiddleware":
    case "tcpServersTransport":
      return out("not-built", `Cannot use ${describeObject(key)}: this kind is not supported yet`);
  }
}

/** "Not built is never open": without this key the object would let through more than was meant. */
function closedProblem(key: ObjectKey): (unbuilt: UnbuiltKey) => Problem {
  return ({ path }) => {
    const what = path === "" ? "this kind" : `"${path}"`;
    const problem: Problem = {
      severity: "error",
      code: "not-built",
      message: `Cannot use ${describeObject(key)}: ${what} is not supported yet`,
      ...(path !== "" && { field: fieldOf(path) }),
    };
    if (path === "") return problem;
    return { ...problem, hint: `remove "${path}" if the object may be used without it` };
  };
}

function degradedProblem(key: ObjectKey, path: string): Problem {
  return {
    severity: "warning",
    code: "not-built-degraded",
    message: `Cannot honour "${path}" of ${describeObject(key)}: it is not supported yet`,
    field: fieldOf(path),
    hint: "the object is used without it",
  };
}

/** `loadBalancer.servers[0].url`, as Traefik spells it. */
function fieldOf(path: string): FieldPath {
  return path.split(".").flatMap((part) => {
    const [name = "", ...indexes] = part.split("[");
    return [name, ...indexes.map((index) => Number.parseInt(index, 10))];
  });
}

import type { UdpRouterConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import { type CompiledContent, out, selectEntryPoints } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";

export function compileUdpRouter(
  key: ObjectKey,
  { entryPoints, service }: UdpRouterConfig,
): CompiledContent {
  if (service === undefined) {
    return out("invalid-value", `Cannot use ${describeObject(key)}: it has no service`);
  }
  return {
    kind: "usable",
    body: {
      $case: "udpRouter",
      value: { entryPoints: [], service: qualifiedReference(service, providerOf(key)) },
    },
    entryPoints: selectEntryPoints(entryPoints),
    problems: [],
  };
}

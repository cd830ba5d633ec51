/** Resources for tests of the snapshot and the stream: payloads are real encoded bodies. */
import { hash } from "node:crypto";
import type { Resource } from "../../config-model/snapshot/resource.ts";
import { ResourceBody, ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";

/** A router whose content is `version`; same arguments, same bytes. */
export function routerResource(name: string, version: string | number = 0): Resource {
  const payload = ResourceBody.encode(
    ResourceBody.fromPartial({
      body: {
        $case: "httpRouter",
        value: { entryPoints: ["web"], service: `service-${version}@etcd`, priority: 20n },
      },
    }),
  ).finish();
  return resourceOf(ResourceKind.HTTP_ROUTER, name, payload);
}

export function resourceOf(kind: ResourceKind, name: string, payload: Uint8Array): Resource {
  return { kind, name, hash: hash("sha256", payload, "buffer"), payload };
}

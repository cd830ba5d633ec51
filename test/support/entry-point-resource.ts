import type { Resource } from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import {
  EntryPoint,
  ResourceBody,
  ResourceKind,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { resourceOf } from "./resources.ts";

export function entryPointResource(name: string, host = "127.0.0.1", port = 0): Resource {
  const value = EntryPoint.create({ host, port });
  const body: ResourceBody = { features: [], body: { $case: "entryPoint", value } };
  return resourceOf(ResourceKind.ENTRY_POINT, name, ResourceBody.encode(body).finish());
}

export function upserting(...upserts: readonly Resource[]): SnapshotDelta {
  return { upserts, removals: [] };
}

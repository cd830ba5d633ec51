import type { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";

/** Identity of a resource inside a snapshot; `name` is qualified (`name@provider`) except for entry points and node settings. */
export interface ResourceKey {
  readonly kind: ResourceKind;
  readonly name: string;
}

/** A unit of a snapshot. `payload` is an encoded `ResourceBody`, kept as it came and never encoded again. */
export interface Resource extends ResourceKey {
  /** SHA-256 of `payload`. */
  readonly hash: Uint8Array;
  readonly payload: Uint8Array;
}

/** Key for maps over all kinds; the kind's number first, so that sorting groups by kind. */
export function resourceId({ kind, name }: ResourceKey): string {
  return `${kind}:${name}`;
}

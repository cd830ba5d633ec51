import { status } from "@grpc/grpc-js";
import type { Compression, HeldObjects, Hello } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { HeldState } from "../snapshot-store/committed-state.ts";
import { bounded } from "./bounded-text.ts";
import type { StreamEnd } from "./node-stream.ts";
import { compressionOf } from "./transfer-compression.ts";

/** The newest this control plane speaks. Every version from 1 on is answered with what both speak. */
export const protocolVersion = 1;

const maxNodeIdLength = 256;
const maxLabels = 64;
const maxFeatures = 256;
const maxProviders = 64;

/** What a node says of itself, bounded. */
export interface NodeHello {
  readonly nodeId: string;
  readonly incarnation: bigint;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly features: readonly string[];
  readonly version: string;
  readonly compression: Compression;
  /** Absent when it holds nothing. */
  readonly held: HeldState | undefined;
  /** Of what it holds, by provider. */
  readonly heldObjects: readonly HeldObjects[];
}

/** A hello nobody can be admitted with; `end` tells the node. */
export class InvalidHelloError extends Error {
  override readonly name = "InvalidHelloError";
  readonly end: StreamEnd;

  constructor(code: number, message: string) {
    super(message);
    this.end = { code, details: message };
  }
}

/** Throws `InvalidHelloError`. */
export function parseHello(hello: Hello): NodeHello {
  if (hello.protocol < 1) {
    throw new InvalidHelloError(
      status.FAILED_PRECONDITION,
      `Cannot follow with protocol ${hello.protocol}: this control plane speaks ${protocolVersion}`,
    );
  }
  const { nodeId, running, digest } = hello;
  if (nodeId === "" || nodeId.length > maxNodeIdLength || bounded(nodeId) !== nodeId) {
    throw new InvalidHelloError(
      status.INVALID_ARGUMENT,
      `Cannot follow: the node id must be 1 to ${maxNodeIdLength} printable characters`,
    );
  }
  return {
    nodeId,
    incarnation: hello.incarnation,
    labels: hello.labels
      .slice(0, maxLabels)
      .map(({ key, value }) => ({ key: bounded(key), value: bounded(value) })),
    features: hello.features.slice(0, maxFeatures).map(bounded),
    version: bounded(hello.version),
    compression: compressionOf(hello),
    held: running && { generation: running, digest: Buffer.from(digest) },
    heldObjects: hello.heldObjects
      .slice(0, maxProviders)
      .map(({ provider, ...counts }) => ({ provider: bounded(provider), ...counts })),
  };
}

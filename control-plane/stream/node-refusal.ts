import { status } from "@grpc/grpc-js";
import { compareGenerations } from "../../config-model/snapshot/generation.ts";
import type { CommittedState, HeldState } from "../snapshot-store/committed-state.ts";
import { bounded } from "./bounded-text.ts";
import type { StreamEnd } from "./node-stream.ts";

/** Why a node with this state must not be served from what is committed here; absent when it may. */
export function refusalOf(
  held: HeldState | undefined,
  { head }: CommittedState,
): StreamEnd | undefined {
  if (held === undefined || head === undefined) return undefined;
  const { fleetId, number } = held.generation;
  if (fleetId !== head.fleetId) {
    return {
      code: status.FAILED_PRECONDITION,
      details: `Cannot serve this node: it holds state of fleet ${bounded(fleetId)}, this control plane is of fleet ${head.fleetId}`,
    };
  }
  if (head.generation !== undefined && compareGenerations(held.generation, head.generation) <= 0) {
    return undefined;
  }
  const newest = head.generation === undefined ? "no generation" : `${head.generation.number}`;
  return {
    code: status.FAILED_PRECONDITION,
    details: `Cannot serve this node: it holds generation ${number}, the newest here is ${newest}`,
  };
}

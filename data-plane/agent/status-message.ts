import type { Status } from "../../proto/gen/switchyard/fleet/v1/fleet.ts";
import type { PhaseReport } from "./snapshot-applier.ts";

/** Keeps a status far below the control plane's receive limit, whatever a snapshot holds. */
const maxRejected = 4_096;
const maxReasonLength = 512;

export function statusMessage(report: PhaseReport): Status {
  const { transfer, phase, digest, rejected = [], reason = "" } = report;
  return {
    generation: transfer.generation,
    phase,
    elapsedUs: BigInt(Math.round((performance.now() - transfer.beganAtMs) * 1_000)),
    digest: Buffer.from(digest ?? []),
    rejected: rejected.slice(0, maxRejected).map((rejection) => ({
      kind: rejection.resourceKind,
      name: rejection.name,
      reason: rejection.reason.slice(0, maxReasonLength),
    })),
    reason: reason.slice(0, maxReasonLength),
  };
}

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Logger } from "../../foundation/log.ts";
import type { StateDirectory } from "../../foundation/state-directory.ts";

/** Who this data plane is to the control plane. */
export interface NodeIdentity {
  readonly nodeId: string;
  /** Grows with every start of the process. */
  readonly incarnation: bigint;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly version: string;
}

export interface NodeIdentityInit {
  /** Absent: made once and kept. */
  readonly nodeId: string | undefined;
  readonly labels: NodeIdentity["labels"];
  readonly version: string;
  /** Absent: this start is the only one under its node id. */
  readonly stateDirectory: StateDirectory | undefined;
  readonly log: Logger;
}

/** Never rejects: a node that cannot remember who it is goes on under a name for this run. */
export async function resolveNodeIdentity(init: NodeIdentityInit): Promise<NodeIdentity> {
  const { labels, version, stateDirectory, log } = init;
  const kept = stateDirectory === undefined ? undefined : await recall(stateDirectory, log);
  const nodeId = init.nodeId ?? kept?.nodeId ?? `${hostname()}-${randomBytes(3).toString("hex")}`;
  const incarnation = (kept?.incarnation ?? 0n) + 1n;
  if (stateDirectory !== undefined) {
    try {
      if (init.nodeId === undefined && kept?.nodeId === undefined) {
        await stateDirectory.write("node-id", `${nodeId}\n`);
      }
      await stateDirectory.write("incarnation", `${incarnation}\n`);
    } catch (error) {
      log.warn("cannot keep who this node is", { directory: stateDirectory.path, error });
    }
  }
  return { nodeId, incarnation, labels, version };
}

async function recall(directory: StateDirectory, log: Logger) {
  try {
    const nodeId = (await directory.read("node-id"))?.trim();
    const incarnation = (await directory.read("incarnation"))?.trim() ?? "";
    return {
      nodeId: nodeId === "" ? undefined : nodeId,
      incarnation: /^\d{1,18}$/.test(incarnation) ? BigInt(incarnation) : 0n,
    };
  } catch (error) {
    log.warn("cannot read who this node is", { directory: directory.path, error });
    return undefined;
  }
}

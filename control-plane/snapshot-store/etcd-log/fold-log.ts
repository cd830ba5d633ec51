import type { SerialQueue } from "../../../foundation/serial-queue.ts";
import type { Lead } from "../../etcd/leadership.ts";
import { type FollowedLog, newCommitId } from "./followed-log.ts";
import type { LogKeys } from "./log-keys.ts";
import { FencedError, type LogWriter, NotWrittenError } from "./log-writer.ts";
import type { StoredHead } from "./stored-head.ts";
import { encodeRecord } from "./stored-record.ts";

/** A log smaller than this is read faster than it is folded. */
const minimumDeltaBytes = 256 * 1024;
/**
 * A base for so many bytes of deltas: 0.8 bytes of it for each byte that changed, and 1.8 written in all. A reading takes
 * 2.25 times the state at the most.
 */
const deltasPerBase = 1.25;

export function shouldFold({ base, deltaBytes }: StoredHead): boolean {
  return deltaBytes > Math.max(minimumDeltaBytes, (base?.bytes ?? 0) * deltasPerBase);
}

export interface FoldInit {
  readonly lead: Lead;
  readonly followed: FollowedLog;
  readonly writer: LogWriter;
  readonly keys: LogKeys;
  /** Commits go on while the base is written; only the change of the head takes its turn among them. */
  readonly queue: SerialQueue;
}

/**
 * Writes the state as it is now as a new base, lets the head name it, and deletes what no reading needs any more. The deltas
 * between the last base and this one stay, for followers that were away for a while.
 */
export async function foldLog({ lead, followed, writer, keys, queue }: FoldInit): Promise<void> {
  const at = followed.known?.head;
  if (at === undefined) return;
  const state = { upserts: followed.resources(), removals: [] };
  const values = encodeRecord(at, state);
  const { pending, bytes } = await writer.stage(lead, "base", at.number, values);
  await queue.run(async () => {
    const from = followed.known;
    const isSameHistory = from?.head.fleetId === at.fleetId && from.head.epoch === at.epoch;
    if (!isSameHistory) throw new FencedError("The store was replaced");
    const head: StoredHead = {
      ...from.head,
      commitId: newCommitId(),
      base: { place: "base", number: at.number, bytes },
      deltaBytes: from.head.deltaBytes - at.deltaBytes,
    };
    try {
      const modRevision = await writer.replaceHead({ lead, from, to: head, operations: pending });
      followed.acceptHead({ head, modRevision });
    } catch (error) {
      if (error instanceof NotWrittenError) {
        followed.acceptHead({ head: from.head, modRevision: error.modRevision });
      }
      throw error;
    }
  });
  await writer.fenced(lead, [
    { kind: "delete", range: keys.records("base", 0n, at.number) },
    { kind: "delete", range: keys.records("delta", 0n, (at.base?.number ?? 0n) + 1n) },
  ]);
}

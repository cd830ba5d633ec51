/**
 * Writes to the generation log, every one of them a transaction that compares the leader key, so that what a leader of the
 * past still sends changes nothing. The head is replaced only when it is the one that was known.
 */
import { backoffDelayMs } from "../../../foundation/backoff.ts";
import { sleep } from "../../../foundation/sleep.ts";
import type { Compare, EtcdClient, KeyValue, Operation } from "../../etcd/etcd-client.ts";
import { EtcdUnavailableError, EtcdUnreachableError } from "../../etcd/etcd-error.ts";
import { etcdBackoff } from "../../etcd/follow-range.ts";
import { oneKey } from "../../etcd/key-range.ts";
import { type Lead, leadUnchanged } from "../../etcd/leadership.ts";
import type { NoteChange } from "../snapshot-store.ts";
import type { LogKeys, RecordPlace } from "./log-keys.ts";
import { decodeHead, encodeHead, type StoredHead } from "./stored-head.ts";
import { RecordReading } from "./stored-record.ts";

/** A request of etcd holds 1.5 MiB and 128 operations; the head and the frame need room. */
const requestBytes = 1_100 * 1024;
const requestOperations = 100;

/** The leader key or the head is another's: nothing was written. */
export class FencedError extends Error {
  override readonly name = "FencedError";
}

/** Whether a write was applied is known: it was not, and never will be. `modRevision` is the head's now. */
export class NotWrittenError extends Error {
  override readonly name = "NotWrittenError";
  readonly modRevision: bigint;

  constructor(message: string, options: ErrorOptions & { readonly modRevision: bigint }) {
    super(message, options);
    this.modRevision = options.modRevision;
  }
}

export interface HeadWrite {
  readonly lead: Lead;
  /** What is there, as known, and what shall be there. */
  readonly from: { readonly head: StoredHead; readonly modRevision: bigint };
  readonly to: StoredHead;
  /** Applied with the head, all or nothing. */
  readonly operations: readonly Operation[];
}

export class LogWriter {
  readonly #client: EtcdClient;
  readonly #keys: LogKeys;
  readonly #signal: AbortSignal;
  readonly #isFenced: boolean;

  /** `isFenced`: off only in tests that show what the fence is for. */
  constructor(
    client: EtcdClient,
    keys: LogKeys,
    { signal, isFenced = true }: { readonly signal: AbortSignal; readonly isFenced?: boolean },
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#signal = signal;
    this.#isFenced = isFenced;
  }

  /**
   * Stages a record's values. Resolves to the operations still to be done, which fit into the transaction of the head: all
   * of them when the record is small, else none.
   */
  async stage(
    lead: Lead,
    place: RecordPlace,
    number: bigint,
    values: Iterable<Buffer>,
  ): Promise<{ readonly pending: readonly Operation[]; readonly bytes: number }> {
    let pending: Operation[] = [];
    let [index, bytes, pendingBytes, staged] = [0, 0, 0, false];
    for (const value of values) {
      const full =
        pendingBytes + value.length > requestBytes || pending.length >= requestOperations;
      if (full) {
        await this.fenced(lead, pending);
        [pending, pendingBytes, staged] = [[], 0, true];
      }
      pending.push({ kind: "put", key: this.#keys.value(place, number, index), value });
      index += 1;
      pendingBytes += value.length;
      bytes += value.length;
    }
    if (staged) {
      await this.fenced(lead, pending);
      pending = [];
    }
    return { pending, bytes };
  }

  /** For writes that may be repeated: an unknown outcome is an error, and repeating them harmless. */
  async fenced(lead: Lead, operations: readonly Operation[]): Promise<void> {
    const { succeeded } = await this.#client.transaction({
      compare: this.#isFenced ? leadUnchanged(lead) : [],
      success: operations,
    });
    if (!succeeded) throw new FencedError("Another control plane leads");
  }

  /** Resolves to false when the note was not `from`, or with `lead` when another leads. */
  async replaceNote(
    key: string,
    { from, to }: Pick<NoteChange, "from" | "to">,
    lead: Lead | undefined,
  ): Promise<boolean> {
    const unchanged: Compare =
      from === undefined
        ? { key, target: "create", revision: 0n }
        : { key, target: "value", value: from };
    const { succeeded, found } = await this.#client.transaction({
      compare: [...(lead === undefined ? [] : leadUnchanged(lead)), unchanged],
      success: [
        to === undefined
          ? { kind: "delete", range: oneKey(key) }
          : { kind: "put", key, value: Buffer.from(to) },
      ],
      failure: [{ kind: "get", key }],
    });
    // It may have been written by an attempt whose answer was lost.
    return succeeded || (lead === undefined && found[0]?.value.toString() === to);
  }

  /**
   * Replaces the head. Resolves to its new mod revision; rejects with `FencedError` or `NotWrittenError`, and only when it is
   * certain that nothing was written and nothing will be: a lost answer is read back, however long etcd is away.
   */
  async replaceHead(write: HeadWrite): Promise<bigint> {
    try {
      return await this.#tryReplace(write);
    } catch (error) {
      if (error instanceof FencedError || error instanceof NotWrittenError) throw error;
      const unknown =
        error instanceof EtcdUnavailableError && !(error instanceof EtcdUnreachableError);
      if (!unknown) {
        const { modRevision } = write.from;
        throw new NotWrittenError("etcd did not take the commit", { modRevision, cause: error });
      }
      return await this.#settle(write, error);
    }
  }

  async #tryReplace({ lead, from, to, operations }: HeadWrite): Promise<bigint> {
    const { succeeded, revision, found } = await this.#client.transaction({
      compare: this.#unchanged(lead, from.modRevision),
      success: [...operations, { kind: "put", key: this.#keys.head, value: encodeHead(to) }],
      failure: this.#whatIsThere(to),
    });
    return succeeded ? revision : outcome({ lead, from, to }, found);
  }

  /**
   * Touches the head where it is still the known one: from then on the lost transaction, should it be under way still, finds
   * another head and fails.
   */
  async #settle(write: HeadWrite, cause: unknown): Promise<bigint> {
    const { lead, from } = write;
    for (let failures = 0; ; failures++) {
      await sleep(backoffDelayMs(failures, etcdBackoff), this.#signal);
      if (this.#signal.aborted) {
        const options = { modRevision: from.modRevision, cause };
        throw new NotWrittenError("stopped before the fate of the commit was known", options);
      }
      try {
        const { succeeded, revision, found } = await this.#client.transaction({
          compare: this.#unchanged(lead, from.modRevision),
          success: [{ kind: "put", key: this.#keys.head, value: encodeHead(from.head) }],
          failure: this.#whatIsThere(write.to),
        });
        if (succeeded) {
          throw new NotWrittenError("etcd lost the commit", { modRevision: revision, cause });
        }
        return outcome(write, found);
      } catch (error) {
        if (error instanceof FencedError || error instanceof NotWrittenError) throw error;
      }
    }
  }

  #whatIsThere({ number }: StoredHead): readonly Operation[] {
    const { head, leader } = this.#keys;
    return [head, leader, this.#keys.value("delta", number, 0)].map((key) => ({
      kind: "get",
      key,
    }));
  }

  #unchanged(lead: Lead, revision: bigint): readonly Compare[] {
    if (!this.#isFenced) return [];
    return [...leadUnchanged(lead), { key: this.#keys.head, target: "mod", revision }];
  }
}

/** What became of a commit whose comparison failed, told by what is there instead. Resolves to the revision it has. */
function outcome(
  { lead, from, to }: Omit<HeadWrite, "operations">,
  [headPair, leaderPair, recordPair]: readonly (KeyValue | undefined)[],
): bigint {
  if (headPair !== undefined) {
    const head = decodeHead(headPair.value);
    const modRevision = BigInt(headPair.modRevision);
    if (head.commitId === to.commitId) return modRevision;
    const stillLeading = leaderPair?.value.toString() === lead.candidate;
    // Only touched, by a settling whose own answer was lost.
    if (stillLeading && head.commitId === from.head.commitId) {
      throw new NotWrittenError("etcd lost the commit", { modRevision });
    }
    // Another leader has built on it already. What was only staged, it would have deleted.
    if (recordPair !== undefined && head.number >= to.number && to.number > from.head.number) {
      const reading = new RecordReading();
      reading.add(recordPair.value);
      if (reading.header?.commitId === to.commitId) return BigInt(recordPair.modRevision);
    }
  }
  throw new FencedError("Another control plane leads");
}

/**
 * What is in a base file and in a log file.
 *
 *     base-N:  head (generation, digest) · parts (encoded ChangeLists: everything) · end
 *     log-N:   delta head (generation before, generation after, digest after, number of parts) · its parts · ...
 *              confirmed (generation and when) · ...
 *
 * A delta says what it follows, so logs form a chain whatever files they are in: a log goes on from the base of its
 * number, or from an older base and the logs between.
 */
import {
  ChangeListParts,
  decodeChangeList,
} from "../../../config-model/snapshot/change-list-codec.ts";
import type { Generation } from "../../../config-model/snapshot/generation.ts";
import { KeyedSnapshot } from "../../../config-model/snapshot/keyed-snapshot.ts";
import type { Resource } from "../../../config-model/snapshot/resource.ts";
import {
  sourcesAsJson,
  sourcesFromJson,
} from "../../../config-model/snapshot/source-digests-text.ts";
import type { Running, StagedChange } from "../node-state.ts";
import { encodeRecord, readRecords, recordType } from "./record.ts";

const format = 1;

/** A state and when it was written. */
export interface DatedState extends Running {
  /** Wall clock, in milliseconds. */
  readonly writtenAtMs: number;
}

export interface LoadedBase extends DatedState {
  readonly snapshot: KeyedSnapshot;
}

export interface LoggedDelta extends DatedState {
  readonly kind: "delta";
  readonly before: Generation;
  readonly parts: readonly Uint8Array[];
}

/** A control plane has said again that this is what the node is to hold. */
export interface LoggedConfirmation extends DatedState {
  readonly kind: "confirmed";
}

/** Records of a base file, each made when it is asked for. */
export function* encodeBase(
  state: DatedState,
  resources: readonly Resource[],
): Generator<Uint8Array> {
  yield encodeRecord(recordType.baseHead, encodeHead({ format, ...printed(state) }));
  for (const part of new ChangeListParts({ upserts: resources, removals: [] })) {
    yield encodeRecord(recordType.part, part);
  }
  yield encodeRecord(recordType.baseEnd, new Uint8Array());
}

/** Throws when the file is not whole, or its resources do not have the digest it states. */
export function decodeBase(bytes: Uint8Array): LoadedBase {
  const snapshot = new KeyedSnapshot();
  let state: DatedState | undefined;
  let isWhole = false;
  for (const { type, content } of readRecords(bytes)) {
    if (type === recordType.baseHead) state = parseState(content);
    else if (type === recordType.part) snapshot.apply(decodeChangeList(content));
    else if (type === recordType.baseEnd) isWhole = true;
  }
  if (state === undefined || !isWhole) throw new Error("the file is cut off or damaged");
  if (Buffer.compare(snapshot.digest(), state.digest) !== 0) {
    throw new Error("the resources do not have the digest the file states");
  }
  return { ...state, snapshot };
}

/** One buffer, for one write. */
export function encodeDelta(change: StagedChange, before: Generation, writtenAtMs: number): Buffer {
  const { next, parts } = change;
  const head = {
    format,
    before: printedGeneration(before),
    parts: parts.length,
    ...printed({ ...next, writtenAtMs }),
  };
  return Buffer.concat([
    encodeRecord(recordType.deltaHead, encodeHead(head)),
    ...parts.map((part) => encodeRecord(recordType.part, part)),
  ]);
}

export function encodeConfirmation(state: DatedState): Buffer {
  return encodeRecord(recordType.confirmed, encodeHead({ format, ...printed(state) }));
}

/** What is whole at the start of a log; what follows the first entry that is not is left. */
export function* decodeLog(bytes: Uint8Array): Generator<LoggedDelta | LoggedConfirmation> {
  let pending: { head: Omit<LoggedDelta, "parts">; count: number; parts: Uint8Array[] } | undefined;
  for (const { type, content } of readRecords(bytes)) {
    if (type === recordType.confirmed && pending === undefined) {
      yield { kind: "confirmed", ...parseState(content) };
      continue;
    }
    if (type === recordType.deltaHead) {
      const { before, parts } = parseHead(content);
      const head = {
        kind: "delta" as const,
        ...parseState(content),
        before: parseGeneration(before),
      };
      pending = { head, count: Number(parts), parts: [] };
    } else if (type === recordType.part && pending !== undefined) pending.parts.push(content);
    else return;
    if (pending.parts.length < pending.count) continue;
    yield { ...pending.head, parts: pending.parts };
    pending = undefined;
  }
}

function printed({ generation, digest, sources, writtenAtMs }: DatedState) {
  return {
    ...(sources.size > 0 && { sources: sourcesAsJson(sources) }),
    generation: printedGeneration(generation),
    digest: Buffer.from(digest).toString("hex"),
    writtenAtMs,
  };
}

function printedGeneration({ fleetId, epoch, number }: Generation) {
  return { fleetId, epoch: epoch.toString(), number: number.toString() };
}

function encodeHead(head: object): Buffer {
  return Buffer.from(JSON.stringify(head));
}

/** Throws on anything a later format may have made of it. */
function parseHead(content: Uint8Array): Record<string, unknown> {
  const head: Record<string, unknown> = JSON.parse(Buffer.from(content).toString());
  if (head["format"] !== format) {
    throw new Error(`the file has format ${head["format"]}, this version reads ${format}`);
  }
  return head;
}

function parseState(content: Uint8Array): DatedState {
  const { generation, digest, sources, writtenAtMs } = parseHead(content);
  return {
    sources: sourcesFromJson(sources as Parameters<typeof sourcesFromJson>[0] | undefined),
    generation: parseGeneration(generation),
    digest: Buffer.from(String(digest), "hex"),
    writtenAtMs: Number(writtenAtMs),
  };
}

function parseGeneration(value: unknown): Generation {
  const { fleetId, epoch, number } = value as Record<string, unknown>;
  return { fleetId: String(fleetId), epoch: BigInt(String(epoch)), number: BigInt(String(number)) };
}

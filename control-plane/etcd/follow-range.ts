/**
 * Follows a range from a known revision through failing streams, restarts and silent peers: each stream continues after the
 * last revision that was handed over. Ends only when that cannot be done (the history is compacted away, or it is another
 * store now), and then the caller lists.
 */
import { type BackoffPolicy, backoffDelayMs } from "../../foundation/backoff.ts";
import { sleep } from "../../foundation/sleep.ts";
import type { EtcdClient } from "./etcd-client.ts";
import type { KeyRange } from "./key-range.ts";
import { type RangeEvent, watchEvents } from "./watch-events.ts";

export const etcdBackoff: BackoffPolicy = { baseMs: 100, maxMs: 2_000 };

export interface FollowRangeInit {
  /** Used by nobody else: a watch gets connections of its own, and failures renew them. */
  readonly client: EtcdClient;
  readonly range: KeyRange;
  readonly fromRevision: bigint;
  readonly clusterId: string;
  onRevision(events: readonly RangeEvent[], revision: bigint): void;
  onUnavailable(error: Error): void;
  onAvailable(): void;
}

export type FollowEnd = "compacted" | "restored" | "aborted";

/** Never rejects. */
export async function followRange(init: FollowRangeInit, signal: AbortSignal): Promise<FollowEnd> {
  const { client, range, clusterId } = init;
  let next = init.fromRevision;
  let failures = 0;
  while (!signal.aborted) {
    const end = await watchEvents(
      {
        client,
        range,
        clusterId,
        fromRevision: next,
        onAlive: () => init.onAvailable(),
        onRevision: (events, revision) => {
          init.onRevision(events, revision);
          next = revision + 1n;
          failures = 0; // an event received, not a stream opened, proves the path works
        },
      },
      signal,
    );
    if (end.kind === "relist") return end.why;
    if (end.kind === "aborted") break;
    init.onUnavailable(end.error);
    client.renew();
    await sleep(backoffDelayMs(failures++, etcdBackoff), signal);
    if (await isOtherStore(init, next, signal)) return "restored";
  }
  return "aborted";
}

/**
 * Asks with a unary call, until one is answered, before a stream is opened again: such calls have a deadline, they renew a
 * token that a restarted etcd no longer knows, and their answer shows a store that was restored from a backup or emptied.
 */
async function isOtherStore(
  { client, range, clusterId, onUnavailable }: FollowRangeInit,
  next: bigint,
  signal: AbortSignal,
): Promise<boolean> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const now = await client.range({ start: range.start, end: undefined });
      return now.clusterId !== clusterId || now.revision < next - 1n;
    } catch (error) {
      if (signal.aborted) break;
      onUnavailable(error instanceof Error ? error : new Error(String(error)));
      client.renew();
      await sleep(backoffDelayMs(failures, etcdBackoff), signal);
    }
  }
  return false;
}

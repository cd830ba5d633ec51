/** How far a restored store has to go beyond what nodes hold. */
import { compareGenerations } from "../../config-model/snapshot/generation.ts";
import type { HeldState } from "../snapshot-store/committed-state.ts";
import type { StoreHead } from "../snapshot-store/snapshot-store.ts";

export interface HeldCount {
  readonly provider: string;
  readonly routers: number;
  readonly services: number;
}

export interface CountedNode {
  readonly nodeId: string;
  readonly held: HeldState | undefined;
  /** Of what it holds; absent when it does not tell. */
  readonly counts: readonly HeldCount[];
}

/** Where the next generation has to be, and what the nodes that decided it hold. */
export interface NewerNodes {
  readonly at: { readonly epoch: bigint; readonly number: bigint };
  readonly held: readonly HeldCount[];
}

/** Numbers of the few that are this much ahead of the many were given to generations that had begun to be sent. */
const numbersUnderWay = 1_000n;

/** Absent: at least half of the nodes hold no more than the store. */
export function newerThan(
  head: StoreHead | undefined,
  nodes: readonly CountedNode[],
): NewerNodes | undefined {
  if (head === undefined) return undefined;
  const holding = nodes
    .flatMap(({ held, counts }) =>
      held?.generation.fleetId === head.fleetId ? [{ ...held.generation, counts }] : [],
    )
    .toSorted((a, b) => compareGenerations(b, a));
  // The one up to which at least half of all nodes hold as much, or more.
  const decisive = holding[Math.max(0, Math.ceil(nodes.length / 2) - 1)];
  if (decisive === undefined) return undefined;
  if (head.generation !== undefined && compareGenerations(decisive, head.generation) <= 0) {
    return undefined;
  }
  const among = holding.filter(
    ({ epoch, number }) => epoch <= decisive.epoch && number <= decisive.number + numbersUnderWay,
  );
  const numbers = [head.generation?.number ?? 0n, ...among.map(({ number }) => number)];
  const highest = numbers.reduce((most, number) => (number > most ? number : most));
  return {
    at: { epoch: decisive.epoch + 1n, number: highest + 1n },
    held: decisive.counts,
  };
}

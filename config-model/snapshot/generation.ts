/** Number of a committed snapshot. Within one fleet ordered by epoch, then number; `number` never restarts. */
export interface Generation {
  /** Random, made with the store; states of different fleets are never compared. */
  readonly fleetId: string;
  readonly epoch: bigint;
  readonly number: bigint;
}

/** Negative when `a` is older than `b`, 0 when equal. Only for generations of one fleet. */
export function compareGenerations(a: Generation, b: Generation): number {
  if (a.epoch !== b.epoch) return a.epoch < b.epoch ? -1 : 1;
  if (a.number !== b.number) return a.number < b.number ? -1 : 1;
  return 0;
}

/** What decides between routes that match the same request. */
export interface Route {
  readonly name: string;
  /** A bigint only where a number would not be exact: comparisons mix both. */
  readonly priority: number | bigint;
  /** Rank of the provider; lower wins. */
  readonly precedence: number;
}

/** Negative when `a` wins: priority, then precedence, then name by code unit, so that every node agrees. */
export function compareRoutes(a: Route, b: Route): number {
  if (a.priority > b.priority) return -1;
  if (a.priority < b.priority) return 1;
  if (a.precedence !== b.precedence) return a.precedence - b.precedence;
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

export function compactPriority(priority: bigint): number | bigint {
  const number = Number(priority);
  return Number.isSafeInteger(number) ? number : priority;
}

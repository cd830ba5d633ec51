import type { RequestFacts } from "./request-facts.ts";
import type { Route } from "./route.ts";

/** The routes of one host pattern. */
export interface RouteBucket<R extends Route> {
  /** The better of `incumbent` and the first route here that matches. */
  best(facts: RequestFacts, incumbent: R | undefined): R | undefined;
}

import type { HttpExchange } from "../http/http-exchange.ts";

/** What matchers see of a request; an exchange is one. */
export type RequestFacts = Pick<
  HttpExchange,
  "method" | "host" | "routingPath" | "query" | "requestHeaders" | "peerAddress"
>;

export type Predicate = (facts: RequestFacts) => boolean;

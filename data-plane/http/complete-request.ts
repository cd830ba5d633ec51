/** What a request becomes before the first handler sees it, whatever protocol it came over. */
import {
  type EntryPoint,
  UnderscoreHeaders,
} from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { type ForwardedHeaders, removeConnectionHeaders } from "./forwarded-headers.ts";
import type { ServerExchange } from "./server-exchange.ts";
import { applyUnderscoreStrategy } from "./underscore-headers.ts";

export interface RequestRules {
  readonly settings: EntryPoint;
  /** Lower-case names that survive being named in `Connection`. */
  readonly keptConnectionHeaders: readonly string[];
}

/** False when the request is to be refused. `headLength`: of the head's text. */
export function allowsUnderscores(
  { head, requestHeaders }: ServerExchange,
  { underscoreHeaders: strategy }: EntryPoint,
  headLength: number,
): boolean {
  if (strategy === UnderscoreHeaders.KEEP) return true;
  return applyUnderscoreStrategy(
    strategy,
    head.text.slice(head.lineEnd, headLength),
    requestHeaders,
  );
}

/** Host and headers, once its target has been taken from the head. */
export function completeRequest(
  exchange: ServerExchange,
  { settings, keptConnectionHeaders }: RequestRules,
  forwarded: ForwardedHeaders,
  isPeerTrusted: boolean,
): void {
  const { head, requestHeaders } = exchange;
  exchange.host = head.hostName;
  exchange.requestHost = head.host;
  exchange.appendsForwardedFor = settings.forwardedHeaders?.notAppendXForwardedFor !== true;
  if (head.connectionNames.length > 0) {
    removeConnectionHeaders(requestHeaders, head.connectionNames, keptConnectionHeaders);
  }
  forwarded.addTo(requestHeaders, head, isPeerTrusted);
}

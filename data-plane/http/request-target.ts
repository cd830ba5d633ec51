import type { RequestHead } from "./parse-request-head.ts";
import {
  escapeQuery,
  normalisePath,
  normaliseQuery,
  routingPathOf,
  sanitisePath,
} from "./request-path.ts";

export interface TargetSettings {
  readonly sanitizePath: boolean;
  readonly encodeQuerySemicolons: boolean;
}

/** Path and query of a request, in the forms an exchange has. */
export interface RequestTarget {
  path: string;
  parsedPath: string;
  routingPath: string;
  query: string;
  isTargetAsSent: boolean;
}

/** Fills `target` in from what was parsed; false when the path is malformed. The usual path needs nothing done to it. */
export function applyTarget(
  head: RequestHead,
  settings: TargetSettings,
  target: RequestTarget,
): boolean {
  let path: string | undefined = head.path;
  let mayNeedSanitising = head.pathNeedsSanitising;
  if (head.pathNeedsNormalising) {
    path = normalisePath(path);
    if (path === undefined) return false;
    mayNeedSanitising = true;
  }
  if (mayNeedSanitising && settings.sanitizePath) path = sanitisePath(path);
  target.path = path;
  target.parsedPath = path;
  target.routingPath = head.pathNeedsNormalising ? routingPathOf(path) : path;
  target.query = head.queryHasSemicolon
    ? normaliseQuery(head.query, settings.encodeQuerySemicolons)
    : head.query;
  if (head.queryNeedsEscaping) target.query = escapeQuery(target.query);
  target.isTargetAsSent =
    head.isOriginForm &&
    head.minorVersion === 1 &&
    path === head.path &&
    !head.queryHasSemicolon &&
    !head.queryNeedsEscaping;
  return true;
}

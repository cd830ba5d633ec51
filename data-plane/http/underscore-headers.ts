/**
 * What becomes of request headers with `_` in their names. Many applications read `X_User` and `X-User` as one, so that
 * a client could say what only a middleware should.
 */
import { UnderscoreHeaders } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { HeaderList } from "./header-list.ts";

/** Of field lines that were parsed: a name begins every line and ends at the first colon. */
const underscoreName = /^[^:_\r\n]*_/m;

/**
 * False when the request is to be refused. `fieldLines` are those that were sent: not all of them become fields.
 */
export function applyUnderscoreStrategy(
  strategy: UnderscoreHeaders,
  fieldLines: string,
  headers: HeaderList,
): boolean {
  switch (strategy) {
    case UnderscoreHeaders.KEEP:
      return true;
    case UnderscoreHeaders.DELETE:
      headers.deleteWithUnderscore();
      return true;
    case UnderscoreHeaders.REJECT:
      return !underscoreName.test(fieldLines);
  }
}

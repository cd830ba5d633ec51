import type { Logger } from "../../foundation/log.ts";

/** For tests that do not look at the log. */
export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} };

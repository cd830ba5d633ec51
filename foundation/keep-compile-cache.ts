import { flushCompileCache } from "node:module";

/** Late enough that the thread has loaded what it needs and is not starting any more. */
const afterStartMs = 3_000;

/**
 * Node writes its compile cache when a process ends by itself; one that is killed would leave nothing behind, and every
 * start would be a cold one. Each thread writes its own.
 */
export function keepCompileCache(): void {
  setTimeout(flushCompileCache, afterStartMs).unref();
}

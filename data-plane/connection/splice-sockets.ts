import type { Socket } from "node:net";

/**
 * Carries bytes both ways until both sides have ended, each end passed on by itself; a failure of one side takes the
 * other with it; what one has sent before it closed still arrives.
 */
export function spliceSockets(one: Socket, other: Socket): void {
  one.pipe(other);
  other.pipe(one);
  one.once("close", () => other.destroySoon());
  other.once("close", () => one.destroySoon());
  one.resume();
  other.resume();
}

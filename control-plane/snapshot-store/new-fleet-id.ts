import { randomBytes } from "node:crypto";

/** Short enough to be typed (`switchyard fleet adopt ID`), random enough that no two stores ever share one. */
export function newFleetId(): string {
  return randomBytes(12).toString("hex");
}

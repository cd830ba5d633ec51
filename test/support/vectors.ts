import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Traefik's behaviours as data; see test/vectors/README.md. */
export function vectors<T>(name: string): readonly T[] {
  const file = join(import.meta.dirname, `../vectors/${name}.json`);
  return JSON.parse(readFileSync(file, "utf8")) as readonly T[];
}

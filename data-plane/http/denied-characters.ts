const percent = "%";

/**
 * Finds the characters a path may not hold percent-encoded, because what is behind could take them for what they stand
 * for: another path than the one that was routed. Either case of the escape counts.
 */
export class DeniedCharacters {
  readonly #isDenied = new Uint8Array(256);

  /** Throws when one of them is not a single byte. */
  constructor(denied: string) {
    for (const character of denied) {
      const code = character.charCodeAt(0);
      if (code > 127) throw new Error(`${JSON.stringify(character)} is not one encoded byte`);
      this.#isDenied[code] = 1;
    }
  }

  areIn(escapedPath: string): boolean {
    let at = escapedPath.indexOf(percent);
    while (at !== -1) {
      const byte = Number.parseInt(escapedPath.slice(at + 1, at + 3), 16);
      if (this.#isDenied[byte] === 1) return true;
      at = escapedPath.indexOf(percent, at + 3);
    }
    return false;
  }
}

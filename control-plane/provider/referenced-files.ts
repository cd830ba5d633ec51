import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";

interface KnownFile {
  stamp: string;
  text: string;
}

/** Files that objects refer to by path: read again only when they are others than before. */
export class ReferencedFiles {
  readonly #known = new Map<string, KnownFile>();
  #asked = new Set<string>();
  #folders = new Set<string>();
  #missing = false;

  /** Folders in which a change may mean a change of a file asked for since `begin`. */
  get folders(): readonly string[] {
    return [...this.#folders];
  }

  /** Whether one of them could not be read: its folder may not even exist. */
  get isIncomplete(): boolean {
    return this.#missing;
  }

  /** Before everything is asked for once more; what is not is forgotten with the next `begin`. */
  begin(): void {
    for (const path of this.#known.keys()) if (!this.#asked.has(path)) this.#known.delete(path);
    this.#asked = new Set();
    this.#folders = new Set();
    this.#missing = false;
  }

  /** Throws what the file system does. */
  read(path: string): string {
    this.#asked.add(path);
    try {
      const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
      // A link's own folder and its target's: either may change what is read.
      for (const file of [path, realpathSync(path)]) this.#folders.add(dirname(file));
      const stamp = `${dev}:${ino}:${size}:${mtimeNs}`;
      const known = this.#known.get(path);
      if (known?.stamp === stamp) return known.text;
      const text = readFileSync(path, "utf8");
      this.#known.set(path, { stamp, text });
      return text;
    } catch (error) {
      this.#missing = true;
      throw error;
    }
  }
}

import { lstatSync, readlinkSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";

/** Where a path leads, and the folders with links that decide it. */
interface Walked {
  readonly target: string;
  readonly linkFolders: readonly string[];
}

/** As the system has it. */
const maxLinks = 40;

/**
 * Follows paths through their links, folder by folder. Certificates are renewed by pointing a link elsewhere, be it the
 * file's own (`live/a.test/cert.pem`) or that of a folder above it (`..data`, `current`). For many paths at one time:
 * what several have in common is looked at once.
 */
export class LinkWalk {
  readonly #walked = new Map<string, Walked>();

  /** Folders in which a change may make the path lead to another file. */
  foldersOf(path: string): readonly string[] {
    const absolute = resolve(path);
    const { target, linkFolders } = this.#walk(absolute, maxLinks);
    return [...new Set([...linkFolders, dirname(target)])];
  }

  #walk(path: string, linksLeft: number): Walked {
    const known = this.#walked.get(path);
    if (known !== undefined) return known;
    const walked = this.#step(path, linksLeft);
    this.#walked.set(path, walked);
    return walked;
  }

  #step(path: string, linksLeft: number): Walked {
    const parent = dirname(path);
    if (parent === path) return { target: path, linkFolders: [] };
    const { target: folder, linkFolders } = this.#walk(parent, linksLeft);
    const target = resolve(folder, basename(path));
    const link = linksLeft > 0 ? linkAt(target) : undefined;
    if (link === undefined) return { target, linkFolders };
    const rest = this.#walk(resolve(folder, link), linksLeft - 1);
    return { target: rest.target, linkFolders: [...linkFolders, folder, ...rest.linkFolders] };
  }
}

/** Where the link leads; absent when there is none, or nobody lets us see. */
function linkAt(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

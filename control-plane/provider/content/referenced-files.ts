/**
 * Files that objects name by path, each read once and again when it is another than before, however many objects name
 * it. Nothing is read behind the back of who asks: between two looks a file is what it was at the first.
 */
import { existsSync, statSync } from "node:fs";
import { LinkWalk } from "./link-walk.ts";
import { readFailureReason } from "./read-failure.ts";
import { readFileText } from "./read-file-text.ts";

export type FileContent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unreadable"; readonly reason: string };

interface Seen {
  readonly content: FileContent;
  /** Of the file it was read from; "" when it tells nothing. */
  readonly stamp: string;
  /** In which a change may mean a change of the file. */
  readonly folders: readonly string[];
}

/** Of file systems' clocks, generously. */
const clockTickMs = 100;

const filesATurn = 256;

interface KnownFile {
  seen: Seen;
  readonly users: Set<string>;
}

export class ReferencedFiles {
  readonly #known = new Map<string, KnownFile>();
  /** How many of the known ones have been looked at in this round of `lookAtSome`. */
  #turn = 0;
  readonly #pathsOf = new Map<string, ReadonlySet<string>>();

  /** In which a change may mean a change of one of the files. */
  get folders(): readonly string[] {
    const folders = new Set<string>();
    for (const { seen } of this.#known.values())
      for (const folder of seen.folders) folders.add(folder);
    return [...folders];
  }

  /** Whether one of them cannot be read: its folder may not even exist. */
  get isIncomplete(): boolean {
    return [...this.#known.values()].some(({ seen }) => seen.content.kind === "unreadable");
  }

  /** As it was at the last look; `assign` tells who wants to know of the next one's result. */
  read(path: string): FileContent {
    let known = this.#known.get(path);
    if (known === undefined) {
      known = { seen: see(path, new LinkWalk(), undefined), users: new Set() };
      this.#known.set(path, known);
    }
    return known.seen.content;
  }

  /** `paths`: all that `user` uses from now on. What nobody uses is forgotten. */
  assign(user: string, paths: ReadonlySet<string>): void {
    for (const path of paths) this.#known.get(path)?.users.add(user);
    for (const path of this.#pathsOf.get(user) ?? []) {
      if (paths.has(path)) continue;
      const known = this.#known.get(path);
      known?.users.delete(user);
      if (known?.users.size === 0) this.#known.delete(path);
    }
    if (paths.size === 0) this.#pathsOf.delete(user);
    else this.#pathsOf.set(user, paths);
  }

  /**
   * Looks again at the files that a change in `folders` may concern, and those that could not be read; without folders at
   * all of them. Returns the users of those whose content is another now.
   */
  look(folders?: ReadonlySet<string>): ReadonlySet<string> {
    const isConcerned = ({ content, folders: own }: Seen) =>
      folders === undefined ||
      content.kind === "unreadable" ||
      own.some((folder) => folders.has(folder));
    return this.#lookAt([...this.#known].filter(([, { seen }]) => isConcerned(seen)));
  }

  /** Likewise at a few whose turn it is, so that looking takes no longer than a moment however many there are. */
  lookAtSome(): ReadonlySet<string> {
    const all = [...this.#known];
    const [begin, end] = [this.#turn, this.#turn + filesATurn];
    this.#turn = end < all.length ? end : 0;
    return this.#lookAt(
      all.filter(
        ([, { seen }], index) =>
          (index >= begin && index < end) || seen.content.kind === "unreadable",
      ),
    );
  }

  #lookAt(files: readonly (readonly [string, KnownFile])[]): ReadonlySet<string> {
    const concerned = new Set<string>();
    const links = new LinkWalk();
    for (const [path, known] of files) {
      const before = known.seen.content;
      known.seen = see(path, links, known.seen);
      if (isSame(before, known.seen.content)) continue;
      for (const user of known.users) concerned.add(user);
    }
    return concerned;
  }
}

function see(path: string, links: LinkWalk, before: Seen | undefined): Seen {
  const folders = links.foldersOf(path);
  try {
    // Taken before reading: what changes meanwhile differs from it at the next look.
    const stamp = stampOf(path);
    if (stamp !== "" && before?.stamp === stamp) return { ...before, folders };
    return { content: { kind: "text", text: readFileText(path) }, stamp, folders };
  } catch (error) {
    const content = { kind: "unreadable", reason: readFailureReason(error) } as const;
    return { content, stamp: "", folders: folders.filter((folder) => existsSync(folder)) };
  }
}

/** "": a file changed just now may change again within the same tick of its clock, and nothing would show it. */
function stampOf(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = statSync(path, { bigint: true });
  const isFresh = Math.abs(Date.now() - Number(ctimeMs)) < clockTickMs;
  return isFresh ? "" : `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

function isSame(a: FileContent, b: FileContent): boolean {
  if (a.kind === "text") return b.kind === "text" && a.text === b.text;
  return b.kind === "unreadable" && a.reason === b.reason;
}

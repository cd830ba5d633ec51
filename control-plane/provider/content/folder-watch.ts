import { type FSWatcher, statSync, watch } from "node:fs";

/**
 * Watches folders, not files: editors replace files by renaming, and a watch of the old file would see nothing more.
 * Says only in which folder something changed; the reader compares.
 */
export class FolderWatch {
  readonly #onChange: (folder: string) => void;
  readonly #onFailure: (folder: string, error: Error) => void;
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: bigint }>();

  constructor(
    onChange: (folder: string) => void,
    onFailure: (folder: string, error: Error) => void,
  ) {
    this.#onChange = onChange;
    this.#onFailure = onFailure;
  }

  /**
   * Watches exactly these folders from now on. One that was replaced by another of its name is watched anew. Returns those
   * whose watch has just begun: what happened in them before it was not seen.
   */
  set(folders: readonly string[]): readonly string[] {
    const wanted = new Set(folders);
    for (const folder of this.#watchers.keys()) if (!wanted.has(folder)) this.#drop(folder);
    return [...wanted].filter((folder) => this.#add(folder));
  }

  close(): void {
    for (const folder of [...this.#watchers.keys()]) this.#drop(folder);
  }

  #add(folder: string): boolean {
    try {
      const { ino: inode } = statSync(folder, { bigint: true });
      if (this.#watchers.get(folder)?.inode === inode) return false;
      this.#drop(folder);
      const watcher = watch(folder, () => this.#onChange(folder));
      watcher.on("error", (error) => {
        this.#drop(folder);
        this.#onFailure(folder, error);
      });
      this.#watchers.set(folder, { watcher, inode });
      return true;
    } catch (error) {
      this.#drop(folder);
      this.#onFailure(folder, error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  #drop(folder: string): void {
    this.#watchers.get(folder)?.watcher.close();
    this.#watchers.delete(folder);
  }
}

/**
 * A file system in memory that can be cut after any step and then looked at as a crash would have left it. Steps are
 * what a process asks the kernel for: open, write, sync, rename, remove, directory sync.
 */
import { basename } from "node:path";
import type { FileSystem, OpenFile } from "../../foundation/file-system.ts";

/**
 * `process`: the process was killed, what it wrote is in the page cache and survives.
 * `power`: only what was synced survives, names and contents.
 * `names first`: names survive at once, contents only when synced.
 */
export type CrashView = "process" | "power" | "names first";

export class CutError extends Error {
  override readonly name = "CutError";
}

interface Node {
  content: Buffer;
  synced: Buffer;
}

export class CrashFileSystem implements FileSystem {
  steps = 0;
  /** The step with this number does not happen, nor any after it; a write happens half. */
  cutAt = Number.POSITIVE_INFINITY;
  /** Fails a step with this error instead of cutting. */
  failWith: ((step: string) => NodeJS.ErrnoException | undefined) | undefined;
  readonly #files: Map<string, Node>;
  #syncedNames: Map<string, Node>;

  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    this.#files = new Map(
      [...files].map(([name, content]) => [name, { content, synced: content }]),
    );
    this.#syncedNames = new Map(this.#files);
  }

  /** The disk as the next process finds it. */
  afterCrash(view: CrashView): CrashFileSystem {
    const names = view === "power" ? this.#syncedNames : this.#files;
    return new CrashFileSystem(
      new Map(
        [...names].map(([name, node]) => [name, view === "process" ? node.content : node.synced]),
      ),
    );
  }

  names(): string[] {
    return [...this.#files.keys()];
  }

  /** Changes a file behind everybody's back. */
  corrupt(name: string, edit: (content: Buffer) => Buffer): void {
    const node = this.#file(name);
    node.content = edit(Buffer.from(node.content));
    node.synced = node.content;
  }

  async open(path: string, how: "create" | "append"): Promise<OpenFile> {
    this.#step("open");
    const name = basename(path);
    let node = this.#files.get(name);
    if (node === undefined || how === "create") {
      node = { content: Buffer.alloc(0), synced: Buffer.alloc(0) };
      this.#files.set(name, node);
    }
    const file = node;
    return {
      write: async (bytes) => {
        const add = (part: Uint8Array) => {
          file.content = Buffer.concat([file.content, part]);
        };
        this.#step("write", () => add(bytes.subarray(0, bytes.byteLength >> 1)));
        add(bytes);
      },
      sync: async () => {
        this.#step("sync");
        file.synced = file.content;
      },
      close: async () => {},
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step("rename");
    this.#files.set(basename(to), this.#file(basename(from)));
    this.#files.delete(basename(from));
  }

  async remove(path: string): Promise<void> {
    this.#step("remove");
    this.#files.delete(basename(path));
  }

  async read(path: string): Promise<Uint8Array> {
    return this.#file(basename(path)).content;
  }

  async list(): Promise<readonly string[]> {
    return this.names();
  }

  async syncDirectory(): Promise<void> {
    this.#step("syncDirectory");
    this.#syncedNames = new Map(this.#files);
  }

  #step(step: string, half: () => void = () => {}): void {
    const failure = this.failWith?.(step);
    if (failure !== undefined) throw failure;
    if (this.steps === this.cutAt) half();
    if (this.steps >= this.cutAt) throw new CutError("the process was killed");
    this.steps += 1;
  }

  #file(name: string): Node {
    const node = this.#files.get(name);
    if (node === undefined) {
      throw Object.assign(new Error(`no such file: ${name}`), { code: "ENOENT" });
    }
    return node;
  }
}

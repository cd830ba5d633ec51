/** The few steps durable state is made of, so that a test can cut a process after any of them. */
import { open, readdir, readFile, rename, rm } from "node:fs/promises";

export interface OpenFile {
  /** Writes all of it, at the end. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves once what was written is on disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileSystem {
  /** Mode 0600. `create` starts empty, whatever was there; `append` makes the file when it is missing. */
  open(path: string, how: "create" | "append"): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  /** Missing is fine. */
  remove(path: string): Promise<void>;
  read(path: string): Promise<Uint8Array>;
  list(directory: string): Promise<readonly string[]>;
  /** Makes renames and new names in it durable. */
  syncDirectory(directory: string): Promise<void>;
}

const ownerOnly = 0o600;

export const nodeFileSystem: FileSystem = {
  async open(path, how) {
    const handle = await open(path, how === "create" ? "w" : "a", ownerOnly);
    return {
      async write(bytes) {
        for (let written = 0; written < bytes.byteLength; ) {
          const { bytesWritten } = await handle.write(bytes, written);
          written += bytesWritten;
        }
      },
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  read: (path) => readFile(path),
  list: (directory) => readdir(directory),
  async syncDirectory(directory) {
    const handle = await open(directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

import { dirname } from "node:path";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";

/**
 * Replaces a file as a whole: after a crash at any moment it holds the old content or the new. `chunks` are asked for
 * one at a time. Rejects with the system's error, the old file untouched.
 */
export async function replaceFile(
  path: string,
  chunks: Iterable<Uint8Array>,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await writeWhole(temporary, chunks, fileSystem);
    await fileSystem.rename(temporary, path);
  } catch (error) {
    await fileSystem.remove(temporary).catch(() => {}); // what went wrong first is what is thrown
    throw error;
  }
  await fileSystem.syncDirectory(dirname(path));
}

async function writeWhole(
  path: string,
  chunks: Iterable<Uint8Array>,
  fileSystem: FileSystem,
): Promise<void> {
  const file = await fileSystem.open(path, "create");
  try {
    for (const chunk of chunks) await file.write(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

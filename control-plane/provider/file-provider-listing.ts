/** Which files and folders a file provider reads, by a synchronous walk in the order of names. */

import { readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FileProviderConfig } from "../../config-model/static/static-configuration.ts";
import { byText } from "../../foundation/by-text.ts";

export interface FileListing {
  readonly files: readonly string[];
  /** Folders in which a change may mean a change of the files. */
  readonly folders: readonly string[];
}

const extensions = /\.(ya?ml|toml)$/i;

/** Deeper folders are not read: a link to a folder above would never end. */
const maxDepth = 32;

/** Throws when the source as a whole cannot be looked at: its folder is missing or closed. */
export function listFiles({ filename, directory }: FileProviderConfig): FileListing {
  if (directory !== undefined) return listFolder(directory);
  if (filename === undefined) return { files: [], folders: [] };
  return { files: [filename], folders: foldersOf(filename) };
}

/** A link's own folder and its target's: either may change what is read. */
function foldersOf(file: string): readonly string[] {
  const folder = dirname(file);
  statSync(folder);
  try {
    return [...new Set([folder, dirname(realpathSync(file))])];
  } catch {
    return [folder];
  }
}

function listFolder(root: string): FileListing {
  const files: string[] = [];
  const folders: string[] = [];
  const walk = (folder: string, depth: number) => {
    const names = readdirSync(folder).toSorted(byText);
    folders.push(folder);
    for (const name of names) {
      const path = join(folder, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats?.isFile() && extensions.test(name)) files.push(path);
      // Kubernetes keeps the versions of a mounted volume in folders like `..data`, beside links to their files.
      if (stats?.isDirectory() && depth < maxDepth && !name.startsWith("..")) walk(path, depth + 1);
    }
  };
  walk(root, 1);
  return { files, folders };
}

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { RefusedFileError } from "./read-failure.ts";

const maxMebibytes = 4;

/**
 * The text of a file that an object names. Whoever writes objects chooses the path: a pipe must not make the control
 * plane wait, nor a device fill its memory. Throws what the file system does, or `RefusedFileError`.
 */
export function readFileText(path: string): string {
  // Opening a pipe without a writer would wait for one.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (stats.isDirectory()) throw new RefusedFileError("it is a folder");
    if (!stats.isFile()) throw new RefusedFileError("it is no regular file");
    if (stats.size > maxMebibytes * 1_048_576) {
      throw new RefusedFileError(`it is larger than ${maxMebibytes} MiB`);
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

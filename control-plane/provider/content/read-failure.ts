import { errorText } from "../../../foundation/error-text.ts";

/** A file we do not read, whatever the system would let us do. */
export class RefusedFileError extends Error {}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "access is denied",
  ENOTDIR: "it is not a folder",
  EISDIR: "it is a folder",
  ELOOP: "its links lead nowhere",
};

export function describeReadFailure(path: string, error: unknown): string {
  return `Cannot read ${path}: ${knownReason(error) ?? errorText(error)}`;
}

/** Without the path, which what the system says would name. */
export function readFailureReason(error: unknown): string {
  return knownReason(error) ?? "the system refuses it";
}

function knownReason(error: unknown): string | undefined {
  if (error instanceof RefusedFileError) return error.message;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code];
}

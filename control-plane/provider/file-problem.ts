import type { DocumentObject } from "../../config-model/dynamic/decode-document.ts";
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import { errorText } from "../../foundation/error-text.ts";

/** Of two objects of one name in several files, the first by path counts. */
export function duplicateProblem(
  { key, object }: DocumentObject,
  first: DocumentObject,
): Diagnostic {
  return {
    object: key,
    severity: "warning",
    code: "invalid-value",
    message: `"${key.name}" is also in ${first.object.source.location}, which comes first by name and counts`,
    source: object.source,
    hint: "give it another name",
  };
}

export function wholeProblem(path: string, message: string): Diagnostic {
  return {
    severity: "error",
    code: "syntax",
    message,
    source: { provider: "file", location: path },
  };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "access is denied",
  ENOTDIR: "it is not a folder",
  EISDIR: "it is a folder",
};

export function describeReadFailure(path: string, error: unknown): string {
  return `Cannot read ${path}: ${knownReason(error) ?? errorText(error)}`;
}

/** Without the path, which what the system says would name. */
export function readFailureReason(error: unknown): string {
  return knownReason(error) ?? "the system refuses it";
}

function knownReason(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code];
}

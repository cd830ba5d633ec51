import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { PresentObject } from "./content/object-contents.ts";

/** Of two objects of one name in several files, the first by path counts. */
export function duplicateProblem({ key, object }: PresentObject, first: PresentObject): Diagnostic {
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

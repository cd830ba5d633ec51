/** The static configuration as a tree, decoded and normalised, with everything that is to be said about it. */
import { shownText } from "../../foundation/shown-text.ts";
import type { ConfigNode, Place } from "../schema/config-node.ts";
import { type DecodeProblem, NodeDecoder } from "../schema/decode-node.ts";
import { buildStaticConfiguration } from "./build-static-configuration.ts";
import { removedKeys } from "./schema/removed-keys.ts";
import { staticSchema } from "./schema/static-schema.ts";
import type { StaticConfiguration } from "./static-configuration.ts";

export interface StaticProblem {
  readonly severity: "error" | "warning";
  readonly code: DecodeProblem["code"] | "not-built" | "not-built-degraded";
  readonly place: Place;
  readonly message: string;
  readonly hint?: string;
  /** The fleet's diagnostics say it too, as an error. */
  readonly isDiagnosed?: boolean;
}

export interface DecodedStaticPart {
  /** Absent when there is an error. */
  readonly configuration: StaticConfiguration | undefined;
  readonly problems: readonly StaticProblem[];
}

export function decodeStaticPart(
  root: ConfigNode,
  resolvePath: (path: string) => string,
): DecodedStaticPart {
  const decoder = new NodeDecoder("the static configuration", {
    topLevel: true,
    hints: removedKeys,
  });
  const isEmpty = root.kind === "keys" && root.entries.length === 0;
  const node: ConfigNode = isEmpty ? { kind: "null", place: root.place } : root;
  const value = decoder.decode(staticSchema, node);
  const configuration = buildStaticConfiguration({ value, decoder, resolvePath });
  const problems: StaticProblem[] = [...decoder.problems];
  for (const { path, place, effect } of decoder.unbuilt) {
    const code = effect === "closed" ? "not-built" : "not-built-degraded";
    const isDiagnosed = effect === "closed" && path.startsWith("entryPoints.");
    const end = isDiagnosed ? ", so the entry point is not opened" : "";
    const message = `${path} is not supported yet${end}`;
    problems.push({ severity: "warning", code, place, message, isDiagnosed });
  }
  const bounded = problems.map((problem) => {
    return { ...problem, message: problem.message.replaceAll(veryLongWord, shownStart) };
  });
  return { configuration, problems: bounded };
}

/** Paths hold names of entry points, which may be of any length. */
const veryLongWord = /\S{161,}/g;

function shownStart(word: string): string {
  return shownText(word, 160);
}

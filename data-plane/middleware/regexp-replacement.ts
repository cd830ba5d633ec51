/**
 * "Replace all" as Go has it: the same matches, and `$1`, `${1}`, `$name` in the template. The library's own is not used,
 * as it counts an empty match right behind another one.
 */
import type { RE2JS } from "re2js";
import { compileRegexp } from "../routing/linear-regexp.ts";

/** A text, or a group by number; a group there is not is nothing. */
type Piece = string | number;

export class RegexpReplacement {
  readonly #expression: RE2JS;
  readonly #pieces: readonly Piece[];

  /** Throws `RuleBuildError` when the expression is invalid. */
  constructor(expression: string, template: string) {
    this.#expression = compileRegexp(expression);
    const count = this.#expression.groupCount();
    this.#pieces = templatePieces(template, this.#expression.namedGroups()).filter(
      (piece) => typeof piece === "string" || piece <= count,
    );
  }

  /** Undefined when nothing matches. */
  replaceAll(text: string): string | undefined {
    const matcher = this.#expression.matcher(text);
    let replaced: string | undefined;
    let end = 0;
    while (matcher.find()) {
      replaced = (replaced ?? "") + text.slice(end, matcher.start());
      if (matcher.end() > end || matcher.start() === 0) {
        for (const piece of this.#pieces) {
          replaced += typeof piece === "string" ? piece : (matcher.group(piece) ?? "");
        }
      }
      end = matcher.end();
    }
    return replaced === undefined ? undefined : replaced + text.slice(end);
  }
}

/** `$$`, `${name}`, `$name`; every other `$` stands for itself. */
const reference = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

function templatePieces(
  template: string,
  namedGroups: Readonly<Record<string, number>>,
): readonly Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of template.matchAll(reference)) {
    pieces.push(template.slice(end, match.index));
    end = match.index + match[0].length;
    const name = match[1] ?? match[2];
    if (name === undefined) pieces.push("$");
    else if (/^(?:0|[1-9]\d{0,7})$/.test(name)) pieces.push(Number(name));
    else if (Object.hasOwn(namedGroups, name)) pieces.push(namedGroups[name] ?? 0);
  }
  pieces.push(template.slice(end));
  return pieces.filter((piece) => piece !== "");
}

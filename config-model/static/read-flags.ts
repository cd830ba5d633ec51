import { printableLine } from "../../foundation/printable-line.ts";
import { shownText } from "../../foundation/shown-text.ts";
import { buildKeyTree } from "../schema/build-key-tree.ts";
import type { KeyNode } from "../schema/config-node.ts";
import type { Schema } from "../schema/schema.ts";
import { StaticConfigurationError } from "./static-configuration-error.ts";

export interface FlagReading {
  /** Value of `--configFile`. */
  readonly configFile: string | undefined;
  /** All other flags as written, without values: `--entryPoints.web.address`. */
  readonly names: readonly string[];
  readonly tree: KeyNode;
}

/** Reads `--path.to.key=value`, `--path.to.key value` and `--switch`; lists are `a,b` or `path[0]=a`. */
export function readFlags(flags: readonly string[], schema: Schema<unknown>): FlagReading {
  let configFile: string | undefined;
  const pairs: (readonly [path: readonly string[], place: string, value: string])[] = [];
  for (let index = 0; index < flags.length; index++) {
    const argument = flags[index] ?? "";
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument);
    if (match === null) throw unexpected(argument, flags[index - 1]);
    const [, name = ""] = match;
    const path = flagPath(name);
    let value = match[2];
    if (value === undefined && isSwitch(schema, path)) value = "true";
    else if (value === undefined) {
      value = flags[++index];
      if (value === undefined || value.startsWith("-")) {
        throw new StaticConfigurationError(
          `Flag "${printableLine(shownText(argument))}" needs a value`,
        );
      }
    }
    if (name.toLowerCase() === "configfile") configFile = value;
    else pairs.push([path, `--${name}`, value]);
  }
  const names = pairs.map(([, place]) => place);
  return { configFile, names, tree: buildKeyTree(pairs, "flags") };
}

/** Shows no value, and no text that follows a flag: it may be the rest of a password with a space in it. */
function unexpected(argument: string, before: string | undefined): StaticConfigurationError {
  const [name = ""] = argument.split("=");
  const message =
    before === undefined || argument.startsWith("-")
      ? `Unexpected argument "${shownText(name)}"`
      : "Unexpected argument after a flag and its value: put a value with spaces in quotes";
  return new StaticConfigurationError(printableLine(message));
}

/** `a.b[0].c` → a, b, 0, c */
function flagPath(name: string): readonly string[] {
  return name
    .replaceAll(/\[(\d+)\]/g, ".$1")
    .split(".")
    .filter((part) => part !== "");
}

/** Whether the key may stand without a value. */
function isSwitch(schema: Schema<unknown>, path: readonly string[]): boolean {
  let { shape } = schema;
  for (const name of path) {
    const next = childShape(shape, name);
    if (next === undefined) return false;
    shape = next;
  }
  if (shape.kind === "scalar") return shape.type === "bool";
  return shape.kind === "free" || (shape.kind === "struct" && shape.allowEmpty);
}

function childShape(
  shape: Schema<unknown>["shape"],
  name: string,
): Schema<unknown>["shape"] | undefined {
  switch (shape.kind) {
    case "struct":
      return shape.byLowerName.get(name.toLowerCase())?.schema.shape;
    case "map":
      return shape.value.shape;
    case "list":
      return shape.item.shape;
    case "free":
      return shape;
    case "scalar":
      return undefined;
  }
}

/** Functions that Go's templates have themselves. `and` and `or` are here by name only: they stop early, so the renderer runs them. */
import { formatText } from "./format-text.ts";
import {
  define,
  type TemplateArguments,
  TemplateCallError,
  type TemplateFunction,
  unlimited,
} from "./template-function.ts";
import { isList, isMap, isTrue, kindOf, type TemplateValue } from "./template-value.ts";
import { textFrom } from "./text-functions.ts";

export const builtInFunctions: Readonly<Record<string, TemplateFunction>> = {
  eq: define(2, unlimited, (args) =>
    args.values.slice(1).some((other) => isEqual(args.any(0), other)),
  ),
  ne: define(2, 2, (args) => !isEqual(args.any(0), args.any(1))),
  lt: define(2, 2, (args) => order(args) < 0),
  le: define(2, 2, (args) => order(args) <= 0),
  gt: define(2, 2, (args) => order(args) > 0),
  ge: define(2, 2, (args) => order(args) >= 0),
  and: define(1, unlimited, (args) => args.values.find((value) => !isTrue(value)) ?? args.any(0)),
  or: define(1, unlimited, (args) => args.values.find(isTrue) ?? args.any(0)),
  not: define(1, 1, (args) => !isTrue(args.any(0))),
  len: define(1, 1, (args) => {
    const value = args.any(0);
    if (typeof value === "string") return BigInt(Buffer.byteLength(value));
    if (isMap(value)) return BigInt(value.size);
    if (isList(value)) return BigInt(value.length);
    throw new TemplateCallError(`${kindOf(value)} has no length`);
  }),
  index: define(1, unlimited, (args) => args.values.slice(1).reduce(indexOne, args.any(0))),
  slice: define(1, 3, (args, call) => {
    const value = args.any(0);
    const bytes = typeof value === "string" ? Buffer.from(value) : undefined;
    const length = bytes?.length ?? args.list(0).length;
    call.spend(length);
    const from = args.values.length > 1 ? args.integer(1) : 0;
    const to = args.values.length > 2 ? args.integer(2) : length;
    if (from < 0 || to < from || to > length) throw new TemplateCallError("out of range");
    return bytes === undefined ? args.list(0).slice(from, to) : bytes.toString("utf8", from, to);
  }),
  print: define(0, unlimited, (args, call) => {
    const { values } = args;
    const spaced = (index: number) =>
      index > 0 && typeof values[index] !== "string" && typeof values[index - 1] !== "string";
    return values
      .map((value, index) => `${spaced(index) ? " " : ""}${textFrom(value, call)}`)
      .join("");
  }),
  println: define(
    0,
    unlimited,
    (args, call) => `${args.values.map((value) => textFrom(value, call)).join(" ")}\n`,
  ),
  printf: define(1, unlimited, (args, call) =>
    formatText(args.text(0), args.values.slice(1), call),
  ),
};

function isEqual(a: TemplateValue, b: TemplateValue): boolean {
  if (isMap(a) || isList(a) || isMap(b) || isList(b)) {
    throw new TemplateCallError("lists and maps cannot be compared");
  }
  if (a !== null && b !== null) requireSameKind(a, b);
  return a === b;
}

function order(args: TemplateArguments): number {
  const [a, b] = [args.any(0), args.any(1)];
  requireSameKind(a, b);
  if (a === null || typeof a === "boolean" || isMap(a) || isList(a)) {
    throw new TemplateCallError(`${kindOf(a)} has no order`);
  }
  // Of one kind, as seen above.
  const other = b as typeof a;
  return a < other ? -1 : a > other ? 1 : 0;
}

function requireSameKind(a: TemplateValue, b: TemplateValue): void {
  if (kindOf(a) === kindOf(b)) return;
  throw new TemplateCallError(`${kindOf(a)} cannot be compared with ${kindOf(b)}`);
}

function indexOne(value: TemplateValue, key: TemplateValue): TemplateValue {
  if (isMap(value)) {
    if (typeof key !== "string") throw new TemplateCallError("a map's key must be a string");
    return value.get(key) ?? null;
  }
  if (typeof key !== "bigint") throw new TemplateCallError(`an index cannot be ${kindOf(key)}`);
  const at = Number(key);
  if (isList(value)) {
    if (at < 0 || at >= value.length) throw new TemplateCallError("the index is out of range");
    return value[at] ?? null;
  }
  throw new TemplateCallError(`${kindOf(value)} has no items`);
}

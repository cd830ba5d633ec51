import { byText } from "../../foundation/by-text.ts";

/** What templates compute with: Go's int64 is a bigint, its float64 a number, nil is null. Values never change. */
export type TemplateValue =
  | string
  | bigint
  | number
  | boolean
  | null
  | readonly TemplateValue[]
  | ReadonlyMap<string, TemplateValue>;

/** Counts work, so that no template runs for ever; throws at the limit. */
export type SpendWork = (units: number) => void;

/** A list made of itself again and again prints for ever without a limit of depth. */
const maxValueDepth = 100;

export function kindOf(value: TemplateValue): string {
  if (value === null) return "nil";
  if (typeof value === "string") return "a string";
  if (typeof value === "bigint") return "an integer";
  if (typeof value === "number") return "a float";
  if (typeof value === "boolean") return "a bool";
  return isMap(value) ? "a map" : "a list";
}

export function isMap(value: TemplateValue): value is ReadonlyMap<string, TemplateValue> {
  return value instanceof Map;
}

export function isList(value: TemplateValue): value is readonly TemplateValue[] {
  return Array.isArray(value);
}

/** False for nil, false, 0, "" and what holds nothing. */
export function isTrue(value: TemplateValue): boolean {
  if (isMap(value)) return value.size > 0;
  if (isList(value)) return value.length > 0;
  return Boolean(value);
}

/** As Go's `%v` has it. */
export function formatValue(value: TemplateValue, spend: SpendWork, depth = 0): string {
  spend(1);
  if (depth > maxValueDepth) spend(Number.POSITIVE_INFINITY);
  if (value === null) return "<nil>";
  if (typeof value === "string") {
    spend(value.length);
    return value;
  }
  if (typeof value === "number") return formatFloat(value);
  if (isMap(value)) {
    const entries = sortedEntries(value).map(
      ([key, item]) => `${key}:${formatValue(item, spend, depth + 1)}`,
    );
    return `map[${entries.join(" ")}]`;
  }
  if (isList(value)) {
    return `[${value.map((item) => formatValue(item, spend, depth + 1)).join(" ")}]`;
  }
  return String(value);
}

/** Equal for values that are equal all the way down, and only for these. */
export function valueIdentity(value: TemplateValue, spend: SpendWork, depth = 0): string {
  spend(1);
  if (depth > maxValueDepth) spend(Number.POSITIVE_INFINITY);
  if (typeof value === "string") {
    spend(value.length);
    return JSON.stringify(value);
  }
  if (isMap(value)) {
    const entries = sortedEntries(value).map(
      ([key, item]) => `${JSON.stringify(key)}:${valueIdentity(item, spend, depth + 1)}`,
    );
    return `{${entries.join()}}`;
  }
  if (isList(value)) {
    return `[${value.map((item) => valueIdentity(item, spend, depth + 1)).join()}]`;
  }
  return `${typeof value} ${value}`;
}

export function sortedEntries(
  map: ReadonlyMap<string, TemplateValue>,
): readonly (readonly [string, TemplateValue])[] {
  return [...map].toSorted(([a], [b]) => byText(a, b));
}

/** Go writes exponents from 1e21 on and below 1e-4, with two digits at least. */
function formatFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const size = Math.abs(value);
  const text = size !== 0 && size < 1e-4 ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

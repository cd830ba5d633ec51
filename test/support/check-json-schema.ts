/** As much of JSON Schema as the generated schemas use. */
import type { JsonSchema } from "./json-schema.ts";

/** Paths at which `value` does not fit, each with what is wrong. */
export function misfits(schema: JsonSchema, value: unknown, path = "$"): readonly string[] {
  const type = typeOf(value);
  if (schema.enum !== undefined && !schema.enum.includes(String(value))) {
    return [`${path} is not one of ${schema.enum.join(", ")}`];
  }
  if (schema.type !== undefined && !fits(type, [schema.type].flat())) {
    return [`${path} is ${type}`];
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((v, i) => misfits(items, v, `${path}[${i}]`));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known === false) return [`${path}.${name} is unknown`];
    return known === undefined ? [] : misfits(known, inner, `${path}.${name}`);
  });
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function fits(type: string, allowed: readonly string[]): boolean {
  return allowed.includes(type) || (type === "integer" && allowed.includes("number"));
}

/** The schema table as JSON Schemas (draft 7) for editors. */
import { sectionsByLowerName } from "../../config-model/dynamic/schema/dynamic-schema.ts";
import type { KeyStatus, ScalarType, Schema } from "../../config-model/schema/schema.ts";
import { staticFields } from "../../config-model/static/schema/static-schema.ts";

export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
}

const unbuilt: Readonly<Partial<Record<KeyStatus, string>>> = {
  closed: "Not built: what uses it is not served.",
  degraded: "Not built: served without it.",
  ignored: "Without effect, as in Traefik.",
};

/** Numbers and booleans may be written as texts too; what a text must then look like is left to the program. */
const scalarTypes: Readonly<Record<ScalarType, readonly string[]>> = {
  string: ["string", "number", "boolean", "null"],
  bool: ["boolean", "string", "null"],
  int: ["integer", "string", "null"],
  int64: ["integer", "string", "null"],
  float: ["number", "string", "null"],
  duration: ["string", "number", "null"],
};

function toJsonSchema(schema: Schema<unknown>, inherited: KeyStatus = "built"): JsonSchema {
  const own = schema.status ?? inherited;
  const status = inherited === "built" ? own : inherited;
  // A sub-tree that is unbuilt as a whole says so once, at its top.
  const said = inherited === "built" ? unbuilt[status] : undefined;
  const described = said === undefined ? {} : { description: withExceptions(said, schema) };
  return { ...described, ...ofShape(schema, status) };
}

function withExceptions(sentence: string, { shape }: Schema<unknown>): string {
  const built = shape.kind === "scalar" ? (shape.builtValues ?? []) : [];
  return built.length === 0 ? sentence : `${sentence} Built: ${built.join(", ")}.`;
}

function ofShape({ shape, absent }: Schema<unknown>, status: KeyStatus): JsonSchema {
  switch (shape.kind) {
    case "scalar": {
      const byDefault = printable(absent, shape.type);
      const limits = shape.values === undefined ? { type: scalarTypes[shape.type] } : undefined;
      return {
        ...(limits ?? { enum: shape.values ?? [] }),
        ...(byDefault === undefined ? {} : { default: byDefault }),
      };
    }
    case "list": {
      const items = toJsonSchema(shape.item, status);
      // A text is a list of texts between commas.
      const scalar = shape.item.shape.kind === "scalar";
      return {
        type: scalar ? ["array", "string", "number", "boolean", "null"] : ["array", "null"],
        items,
        ...(Array.isArray(absent) ? { default: absent } : {}),
      };
    }
    case "map":
      return { type: ["object", "null"], additionalProperties: toJsonSchema(shape.value, status) };
    case "free":
      return {};
    case "struct": {
      const properties = Object.entries(shape.fields).map(([name, field]) => {
        return [name, toJsonSchema(field, status)] as const;
      });
      return {
        type: shape.allowEmpty ? ["object", "boolean", "string", "null"] : ["object", "null"],
        properties: Object.fromEntries(properties),
        additionalProperties: false,
      };
    }
  }
}

function printable(value: unknown, type: ScalarType): unknown {
  if (value === undefined || value === "") return undefined;
  if (type === "duration")
    return Number(value) % 1_000 === 0 ? `${Number(value) / 1_000}s` : `${value}ms`;
  // Not every reader of JSON keeps 64 bits.
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  return value;
}

function section(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: ["object", "null"], properties, additionalProperties: false };
}

/** A file may hold both parts, so each schema lets the other's root names pass. */
function rootSchema(
  title: string,
  properties: Readonly<Record<string, JsonSchema>>,
  others: readonly string[],
): JsonSchema {
  const passed = Object.fromEntries(others.map((name) => [name, {}]));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title,
    type: "object",
    properties: { ...properties, ...passed },
    additionalProperties: false,
  };
}

const dynamicNames = [...sectionsByLowerName.values()].map(({ name }) => name);

export function staticJsonSchema(): JsonSchema {
  const properties = Object.entries<Schema<unknown>>(staticFields).map(([name, schema]) => {
    return [name, toJsonSchema(schema)] as const;
  });
  const title = "Static configuration of Switchyard";
  return rootSchema(title, Object.fromEntries(properties), dynamicNames);
}

export function dynamicJsonSchema(): JsonSchema {
  const sections = [...sectionsByLowerName.values()].map(({ name, collections }) => {
    const inner = [...collections.values()].map(({ name: collection, definition }) => {
      const object = toJsonSchema(definition.schema);
      const schema: JsonSchema = definition.unnamed
        ? { type: ["array", "null"], items: object }
        : { type: ["object", "null"], additionalProperties: object };
      return [collection, schema] as const;
    });
    return [name, section(Object.fromEntries(inner))] as const;
  });
  const title = "Dynamic configuration of Switchyard";
  return rootSchema(title, Object.fromEntries(sections), Object.keys(staticFields));
}

/** The schema table as rows: one for each key that can hold a value. */
import type { KeyStatus, Schema } from "../../config-model/schema/schema.ts";

export interface KeyRow {
  /** `routers.<name>.tls.domains[].main` */
  readonly path: string;
  readonly type: string;
  readonly allowEmpty: boolean;
  readonly status: KeyStatus;
  /** As an operator would write it; absent: no default. */
  readonly defaultValue: string | undefined;
  /** Values that work although the key as a whole does not. */
  readonly builtValues: readonly string[];
}

export function schemaKeys(
  schema: Schema<unknown>,
  path: string,
  inherited: KeyStatus = "built",
): readonly KeyRow[] {
  const { shape } = schema;
  // Inside a sub-tree that is unbuilt as a whole nothing is built.
  const status = inherited === "built" ? (schema.status ?? inherited) : inherited;
  const row = (type: string, allowEmpty = false): KeyRow => ({
    path,
    type,
    allowEmpty,
    status,
    defaultValue: defaultOf(schema),
    builtValues: shape.kind === "scalar" ? (shape.builtValues ?? []) : [],
  });
  switch (shape.kind) {
    case "scalar":
      return [row(shape.values?.join("\\|") ?? shape.type)];
    case "list":
      if (shape.item.shape.kind === "scalar") return [row(`list of ${shape.item.shape.type}`)];
      return schemaKeys(shape.item, `${path}[]`, status);
    case "map":
      return schemaKeys(shape.value, `${path}.<name>`, status);
    case "free":
      return [row("anything")];
    case "struct": {
      const inner = Object.entries(shape.fields).flatMap(([name, field]) =>
        schemaKeys(field, path === "" ? name : `${path}.${name}`, status),
      );
      return shape.allowEmpty ? [row("section", true), ...inner] : inner;
    }
  }
}

function defaultOf({ shape, absent }: Schema<unknown>): string | undefined {
  if (shape.kind === "scalar") return printDefault(absent, shape.type);
  return shape.kind === "list" && Array.isArray(absent) ? absent.join(", ") : undefined;
}

function printDefault(value: unknown, type: string): string | undefined {
  if (value === undefined) return undefined;
  return type === "duration" ? printDuration(Number(value)) : String(value);
}

function printDuration(ms: number): string {
  if (ms === 0) return "0";
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

/**
 * The vocabulary of the schema table: one description of a key drives every decoder (YAML, TOML, etcd, flags,
 * environment), the documentation and the messages. `T` is what decoding yields.
 */
export interface Schema<out T> {
  readonly shape: Shape;
  /** What decoding yields when the key is absent: its default. */
  readonly absent: T;
  /** Absent: as the key above it. */
  readonly status?: KeyStatus;
}

/**
 * built: works. closed: valid in Traefik and not built, and without it the object would be more open than meant, so the
 * object is out. degraded: valid and not built, the object is served without it. ignored: accepted and without effect,
 * in Traefik too.
 */
export type KeyStatus = "built" | "closed" | "degraded" | "ignored";

export type ScalarType = "string" | "bool" | "int" | "int64" | "float" | "duration";

export type Shape =
  | {
      readonly kind: "scalar";
      readonly type: ScalarType;
      /** The only values allowed; absent: any. */
      readonly values?: readonly string[];
      /** Values for which nothing unbuilt is needed, whatever the key's status. */
      readonly builtValues?: readonly string[];
    }
  | { readonly kind: "list"; readonly item: Schema<unknown> }
  | { readonly kind: "map"; readonly value: Schema<unknown> }
  | {
      readonly kind: "struct";
      readonly fields: Readonly<Record<string, Schema<unknown>>>;
      /** May be given without content: etcd value `true` or empty, `{}` in a file, a flag without value. */
      readonly allowEmpty: boolean;
      /** What it holds when nothing is said. */
      readonly defaults: Readonly<Record<string, unknown>>;
      /** Fields by lower-case name: names are case-insensitive everywhere. */
      readonly byLowerName: ReadonlyMap<
        string,
        { readonly name: string; readonly schema: Schema<unknown> }
      >;
    }
  /** A sub-tree without a schema of ours. */
  | { readonly kind: "free" };

type Fields = Readonly<Record<string, Schema<unknown>>>;

export type Decoded<S> = S extends Schema<infer T> ? T : never;

/** What a struct of these fields decodes to. */
export type StructValue<F extends Fields> = { readonly [K in keyof F]: Decoded<F[K]> };

export interface ScalarLimits {
  readonly values?: readonly string[];
  readonly builtValues?: readonly string[];
}

function scalar<T>(type: ScalarType, absent: T, limits: ScalarLimits = {}): Schema<T> {
  return { shape: { kind: "scalar", type, ...limits }, absent };
}

export function text(): Schema<string | undefined>;
export function text(absent: string, limits?: ScalarLimits): Schema<string>;
export function text(absent?: string, limits?: ScalarLimits): Schema<string | undefined> {
  return scalar("string", absent, limits);
}

export function bool(absent = false): Schema<boolean> {
  return scalar("bool", absent);
}

export function int(absent = 0): Schema<number> {
  return scalar("int", absent);
}

export function int64(absent = 0n): Schema<bigint> {
  return scalar("int64", absent);
}

export function float(absent = 0): Schema<number> {
  return scalar("float", absent);
}

/** Decoded to milliseconds. */
export function duration(absentMs = 0): Schema<number> {
  return scalar("duration", absentMs);
}

/** Absent and empty differ for some lists (`entryPoints`), so absent is `undefined`. */
export function list<T>(item: Schema<T>): Schema<readonly Exclude<T, undefined>[] | undefined> {
  return { shape: { kind: "list", item }, absent: undefined };
}

export function texts(): Schema<readonly string[] | undefined>;
export function texts(absent: readonly string[]): Schema<readonly string[]>;
export function texts(absent?: readonly string[]): Schema<readonly string[] | undefined> {
  return { ...list(text()), absent };
}

export function map<T>(
  value: Schema<T>,
): Schema<ReadonlyMap<string, Exclude<T, undefined>> | undefined> {
  return { shape: { kind: "map", value }, absent: undefined };
}

export function struct<const F extends Fields>(fields: F): Schema<StructValue<F> | undefined> {
  return { shape: structShape(fields, false), absent: undefined };
}

export function allowEmpty<const F extends Fields>(fields: F): Schema<StructValue<F> | undefined> {
  return { shape: structShape(fields, true), absent: undefined };
}

/** A struct that exists with its defaults even when nothing is said about it. */
export function always<const F extends Fields>(fields: F): Schema<StructValue<F>> {
  return { shape: structShape(fields, false), absent: structDefaults(fields) };
}

export function free(): Schema<undefined> {
  return { shape: { kind: "free" }, absent: undefined };
}

export function structDefaults<F extends Fields>(fields: F): StructValue<F> {
  const defaults: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) defaults[name] = field.absent;
  return defaults as StructValue<F>;
}

function structShape(fields: Fields, mayBeEmpty: boolean): Shape {
  const byLowerName = new Map(
    Object.entries(fields).map(([name, schema]) => [name.toLowerCase(), { name, schema }]),
  );
  const defaults = structDefaults(fields);
  return { kind: "struct", fields, allowEmpty: mayBeEmpty, defaults, byLowerName };
}

export function closed<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, status: "closed" };
}

export function degraded<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, status: "degraded" };
}

export function ignored<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, status: "ignored" };
}

/** The same status for several keys at once. */
export function all<const F extends Fields>(
  status: <T>(schema: Schema<T>) => Schema<T>,
  fields: F,
): F {
  return Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => [name, status(schema)]),
  ) as unknown as F;
}

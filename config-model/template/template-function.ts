import { isList, isMap, kindOf, type TemplateValue } from "./template-value.ts";

/** What functions may use of the run they are part of. */
export interface TemplateCall {
  /** Counts work or memory, in characters about; throws at the limit. */
  spend(units: number): void;
  env(name: string): string;
}

export interface TemplateFunction {
  readonly min: number;
  readonly max: number;
  readonly apply: (args: TemplateArguments, call: TemplateCall) => TemplateValue;
}

/** A function cannot do with its arguments; holds none of their values. */
export class TemplateCallError extends Error {
  override readonly name = "TemplateCallError";
}

/** Arguments by position, checked for their kind when they are taken. */
export class TemplateArguments {
  readonly values: readonly TemplateValue[];

  constructor(values: readonly TemplateValue[]) {
    this.values = values;
  }

  any(index: number): TemplateValue {
    return this.values[index] ?? null;
  }

  text(index: number): string {
    const value = this.any(index);
    return typeof value === "string" ? value : this.#refuse(index, "a string");
  }

  integer(index: number): number {
    const value = this.any(index);
    return typeof value === "bigint" ? Number(value) : this.#refuse(index, "an integer");
  }

  bool(index: number): boolean {
    const value = this.any(index);
    return typeof value === "boolean" ? value : this.#refuse(index, "a bool");
  }

  list(index: number): readonly TemplateValue[] {
    const value = this.any(index);
    return isList(value) ? value : this.#refuse(index, "a list");
  }

  map(index: number): ReadonlyMap<string, TemplateValue> {
    const value = this.any(index);
    return isMap(value) ? value : this.#refuse(index, "a map");
  }

  #refuse(index: number, wanted: string): never {
    const got = kindOf(this.any(index));
    throw new TemplateCallError(`argument ${index + 1} must be ${wanted}, it is ${got}`);
  }
}

export function define(
  min: number,
  max: number,
  apply: TemplateFunction["apply"],
): TemplateFunction {
  return { min, max, apply };
}

export const unlimited = Number.POSITIVE_INFINITY;

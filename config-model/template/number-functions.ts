/** Sprig's arithmetic: 64-bit integers that wrap around, whatever is given turned into one. */
import {
  define,
  TemplateCallError,
  type TemplateFunction,
  unlimited,
} from "./template-function.ts";
import type { TemplateValue } from "./template-value.ts";

export const numberFunctions: Readonly<Record<string, TemplateFunction>> = {
  add: fold((a, b) => a + b),
  mul: fold((a, b) => a * b),
  max: fold((a, b) => (a > b ? a : b)),
  min: fold((a, b) => (a < b ? a : b)),
  sub: two((a, b) => a - b),
  div: two((a, b) => a / notZero(b)),
  mod: two((a, b) => a % notZero(b)),
  int: define(1, 1, (args) => toInteger(args.any(0))),
  atoi: define(1, 1, (args) => decimal(args.text(0))),
};

function fold(step: (a: bigint, b: bigint) => bigint): TemplateFunction {
  return define(1, unlimited, (args) =>
    args.values.map(toInteger).reduce((a, b) => BigInt.asIntN(64, step(a, b))),
  );
}

function two(apply: (a: bigint, b: bigint) => bigint): TemplateFunction {
  return define(2, 2, (args) =>
    BigInt.asIntN(64, apply(toInteger(args.any(0)), toInteger(args.any(1)))),
  );
}

function notZero(divisor: bigint): bigint {
  if (divisor === 0n) throw new TemplateCallError("division by zero");
  return divisor;
}

/** 0 for what is no number. */
function toInteger(value: TemplateValue): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number") {
    return Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : 0n;
  }
  return typeof value === "string" ? decimal(value) : 0n;
}

function decimal(text: string): bigint {
  if (!/^[+-]?\d{1,20}$/.test(text)) return 0n;
  const value = BigInt(text.replace(/^\+/, ""));
  return BigInt.asIntN(64, value) === value ? value : 0n;
}

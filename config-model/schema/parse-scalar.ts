import { parseDuration } from "./parse-duration.ts";
import type { ScalarType } from "./schema.ts";

export type ScalarValue = string | boolean | number | bigint;

const truths: Readonly<Record<string, boolean>> = {
  "1": true,
  t: true,
  T: true,
  TRUE: true,
  true: true,
  True: true,
  "0": false,
  f: false,
  F: false,
  FALSE: false,
  false: false,
  False: false,
};

const maxInt = 2_147_483_647;
const maxInt64 = 9_223_372_036_854_775_807n;

/** What messages say a value of this type should be. */
export const scalarExpectations: Readonly<Record<ScalarType, string>> = {
  string: "a text",
  bool: "true or false",
  int: `a whole number between -${maxInt} and ${maxInt}`,
  int64: `a whole number between -${maxInt64 + 1n} and ${maxInt64}`,
  float: "a number",
  duration: "a duration like 30s, 1m30s or a number of seconds",
};

/** Absent when the text is no value of the type. */
export function parseScalar(text: string, type: ScalarType): ScalarValue | undefined {
  switch (type) {
    case "string":
      return text;
    case "bool":
      return Object.hasOwn(truths, text) ? truths[text] : undefined;
    case "int": {
      const value = parseInt64(text);
      if (value === undefined || value > maxInt || value < -maxInt) return undefined;
      return Number(value);
    }
    case "int64":
      return parseInt64(text);
    case "float": {
      const value = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : undefined;
      return value !== undefined && Number.isFinite(value) ? value : undefined;
    }
    case "duration":
      return parseDuration(text);
  }
}

/** 64 bits have at most 19 digits: the length is checked first, so that no absurd number is converted. */
function parseInt64(text: string): bigint | undefined {
  const match = /^([-+]?)0*(\d{1,19})$/.exec(text);
  if (match === null) return undefined;
  const value = BigInt(match[2] ?? "0") * (match[1] === "-" ? -1n : 1n);
  return value > maxInt64 || value < -maxInt64 - 1n ? undefined : value;
}

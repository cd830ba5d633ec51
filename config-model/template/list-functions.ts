/** Sprig's functions of lists, maps and defaults. */
import { byText } from "../../foundation/by-text.ts";
import {
  define,
  type TemplateCall,
  TemplateCallError,
  type TemplateFunction,
  unlimited,
} from "./template-function.ts";
import { isTrue, type TemplateValue, valueIdentity } from "./template-value.ts";
import { textFrom } from "./text-functions.ts";

export const listFunctions: Readonly<Record<string, TemplateFunction>> = {
  default: define(1, 2, (args) => (isTrue(args.any(1)) ? args.any(1) : args.any(0))),
  empty: define(1, 1, (args) => !isTrue(args.any(0))),
  coalesce: define(0, unlimited, (args) => args.values.find(isTrue) ?? null),
  ternary: define(3, 3, (args) => (args.bool(2) ? args.any(0) : args.any(1))),
  list: define(0, unlimited, (args) => args.values),
  dict: define(0, unlimited, (args, call) => {
    const map = new Map<string, TemplateValue>();
    for (let index = 0; index < args.values.length; index += 2) {
      map.set(textFrom(args.any(index), call), args.values[index + 1] ?? "");
    }
    return map;
  }),
  get: define(2, 2, (args) => args.map(0).get(args.text(1)) ?? ""),
  until: define(1, 1, (args, call) => {
    const stop = args.integer(0);
    return steps({ start: 0, stop, step: stop < 0 ? -1 : 1 }, call);
  }),
  untilStep: define(3, 3, (args, call) =>
    steps({ start: args.integer(0), stop: args.integer(1), step: args.integer(2) }, call),
  ),
  first: define(1, 1, (args) => args.list(0)[0] ?? null),
  last: define(1, 1, (args) => args.list(0).at(-1) ?? null),
  rest: define(1, 1, (args, call) => {
    call.spend(args.list(0).length);
    return args.list(0).slice(1);
  }),
  has: define(2, 2, (args, call) => {
    const list = args.any(1) === null ? [] : args.list(1);
    const wanted = identity(args.any(0), call);
    return list.some((item) => identity(item, call) === wanted);
  }),
  uniq: define(1, 1, (args, call) => {
    const seen = new Map<string, TemplateValue>();
    for (const item of args.list(0)) {
      const key = identity(item, call);
      if (!seen.has(key)) seen.set(key, item);
    }
    return [...seen.values()];
  }),
  sortAlpha: define(1, 1, (args, call) =>
    args
      .list(0)
      .map((item) => textFrom(item, call))
      .toSorted(byText),
  ),
};

function identity(value: TemplateValue, call: TemplateCall): string {
  return valueIdentity(value, (units) => call.spend(units));
}

interface Steps {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
}

function steps({ start, stop, step }: Steps, call: TemplateCall): readonly TemplateValue[] {
  if (start === stop) return [];
  if (step === 0) throw new TemplateCallError("the step must not be 0");
  const count = Math.max(0, Math.ceil((stop - start) / step));
  call.spend(count * 4);
  return Array.from({ length: count }, (_, index) => BigInt(start + index * step));
}

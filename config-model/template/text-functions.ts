/** Sprig's functions of texts; the text worked on comes last, so that it can be piped in. */
import { formatText } from "./format-text.ts";
import {
  define,
  type TemplateArguments,
  type TemplateCall,
  TemplateCallError,
  type TemplateFunction,
  unlimited,
} from "./template-function.ts";
import { formatValue, isList, type TemplateValue } from "./template-value.ts";

export const textFunctions: Readonly<Record<string, TemplateFunction>> = {
  env: define(1, 1, (args, call) => call.env(args.text(0))),
  lower: textOf((text) => text.toLowerCase()),
  upper: textOf((text) => text.toUpperCase()),
  title: textOf((text) =>
    text.replaceAll(/(?<![\p{L}\p{Nd}_'])\p{Ll}/gu, (letter) => letter.toUpperCase()),
  ),
  trim: textOf((text) => text.trim()),
  trimAll: define(2, 2, (args) => trimSet(args.text(1), args.text(0))),
  trimPrefix: define(2, 2, (args) => {
    const [prefix, text] = [args.text(0), args.text(1)];
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  }),
  trimSuffix: define(2, 2, (args) => {
    const [suffix, text] = [args.text(0), args.text(1)];
    return text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text;
  }),
  replace: define(3, 3, (args, call) => {
    const [from, to, text] = [args.text(0), args.text(1), args.text(2)];
    const pieces = from === "" ? ["", ...text, ""] : text.split(from);
    call.spend(text.length + pieces.length * (to.length + 1));
    return pieces.join(to);
  }),
  contains: define(2, 2, (args) => args.text(1).includes(args.text(0))),
  hasPrefix: define(2, 2, (args) => args.text(1).startsWith(args.text(0))),
  hasSuffix: define(2, 2, (args) => args.text(1).endsWith(args.text(0))),
  repeat: define(2, 2, (args, call) => {
    const [count, text] = [args.integer(0), args.text(1)];
    if (count < 0) throw new TemplateCallError("argument 1 must not be negative");
    call.spend(count * text.length);
    return text === "" ? "" : text.repeat(count);
  }),
  quote: define(0, unlimited, (args, call) =>
    present(args.values)
      .map((value) => formatText("%q", [textFrom(value, call)], call))
      .join(" "),
  ),
  squote: define(0, unlimited, (args, call) =>
    present(args.values)
      .map((value) => `'${textFrom(value, call)}'`)
      .join(" "),
  ),
  toString: define(1, 1, (args, call) => textFrom(args.any(0), call)),
  indent: define(2, 2, (args, call) => indent(args, call)),
  nindent: define(2, 2, (args, call) => `\n${indent(args, call)}`),
  b64enc: textOf((text) => Buffer.from(text).toString("base64")),
  b64dec: textOf((text) => {
    if (text.length % 4 !== 0 || !/^[A-Za-z\d+/\r\n]*={0,2}$/.test(text)) {
      throw new TemplateCallError("the text is not base64");
    }
    return Buffer.from(text, "base64").toString();
  }),
  split: define(2, 2, (args, call) => splitText(args.text(0), args.text(1), call)),
  splitList: define(2, 2, (args, call) => splitText(args.text(1), args.text(0), call)),
  join: define(2, 2, (args, call) => {
    const [separator, value] = [args.text(0), args.any(1)];
    const texts = present(isList(value) ? value : [value]).map((item) => textFrom(item, call));
    call.spend(texts.length * separator.length);
    return texts.join(separator);
  }),
  normalize: textOf((text) =>
    text
      .split(/[^\p{L}\p{N}]+/u)
      .filter(Boolean)
      .join("-"),
  ),
};

function textOf(apply: (text: string) => string): TemplateFunction {
  return define(1, 1, (args) => apply(args.text(0)));
}

export function textFrom(value: TemplateValue, call: TemplateCall): string {
  return formatValue(value, (units) => call.spend(units));
}

function present(values: readonly TemplateValue[]): readonly TemplateValue[] {
  return values.filter((value) => value !== null);
}

function trimSet(text: string, characters: string): string {
  const set = new Set(characters);
  const points = [...text];
  let from = 0;
  let to = points.length;
  while (from < to && set.has(points[from] ?? "")) from++;
  while (to > from && set.has(points[to - 1] ?? "")) to--;
  return points.slice(from, to).join("");
}

function indent(args: TemplateArguments, call: TemplateCall): string {
  const [count, text] = [args.integer(0), args.text(1)];
  if (count < 0) throw new TemplateCallError("argument 1 must not be negative");
  const lines = text.split("\n");
  call.spend(lines.length * (count + 1));
  const padding = " ".repeat(count);
  return lines.map((line) => padding + line).join("\n");
}

function splitText(text: string, separator: string, call: TemplateCall): readonly string[] {
  const pieces = separator === "" ? [...text] : text.split(separator);
  call.spend(pieces.length * 4);
  return pieces;
}

/** Go's `printf` with its common verbs. What does not fit its verb is an error here: Go would write the mistake into the text. */
import { type TemplateCall, TemplateCallError } from "./template-function.ts";
import { formatValue, kindOf, type TemplateValue } from "./template-value.ts";

const directive = /%([-+# 0]*)(\d*)(?:\.(\d*))?(.?)/gsu;

export function formatText(
  format: string,
  args: readonly TemplateValue[],
  call: TemplateCall,
): string {
  let next = 0;
  const text = format.replaceAll(
    directive,
    (_, flags: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === "%") return "%";
      if (!/^[svdqtxXfegcob]$/.test(verb))
        throw new TemplateCallError(`the verb %${verb} is unknown`);
      if (next >= args.length) throw new TemplateCallError(`%${verb} has no argument`);
      const value = args[next++] ?? null;
      const digits = precision === undefined ? undefined : Number(precision);
      call.spend(Number(width) + (digits ?? 0));
      const shown = formatOne(verb, { value, flags, digits }, call);
      call.spend(shown.length);
      return pad(shown, flags, Number(width));
    },
  );
  if (next < args.length) throw new TemplateCallError("more arguments than verbs");
  return text;
}

interface Directive {
  readonly value: TemplateValue;
  readonly flags: string;
  readonly digits: number | undefined;
}

function formatOne(verb: string, { value, flags, digits }: Directive, call: TemplateCall): string {
  const plain = () => formatValue(value, (units) => call.spend(units));
  const signed = (text: string) =>
    text.startsWith("-")
      ? text
      : flags.includes("+")
        ? `+${text}`
        : flags.includes(" ")
          ? ` ${text}`
          : text;
  switch (verb) {
    case "s":
    case "v": {
      if (verb === "s" && typeof value !== "string") refuse(verb, value);
      if (typeof value === "bigint" || typeof value === "number") return signed(plain());
      return digits === undefined || typeof value !== "string"
        ? plain()
        : [...value].slice(0, digits).join("");
    }
    case "q":
      if (typeof value !== "string") return refuse(verb, value);
      call.spend(value.length * 4);
      return quoteText(value);
    case "t":
      return typeof value === "boolean" ? String(value) : refuse(verb, value);
    case "x":
    case "X": {
      if (typeof value !== "string" && typeof value !== "bigint") return refuse(verb, value);
      const number = typeof value === "bigint";
      if (!number) call.spend(value.length * 6);
      const text = number ? value.toString(16) : Buffer.from(value).toString("hex");
      const prefixed = flags.includes("#") ? text.replace(/^(-?)/, "$10x") : text;
      const cased = verb === "X" ? prefixed.toUpperCase() : prefixed;
      return number ? signed(cased) : cased;
    }
    case "f":
    case "e":
    case "g":
      if (typeof value !== "number") return refuse(verb, value);
      if ((digits ?? 0) > 100) throw new TemplateCallError("the precision is above 100");
      return signed(formatFloat(verb, value, digits));
    case "c":
      if (typeof value !== "bigint") return refuse(verb, value);
      return value >= 0n && value <= 0x10ffffn ? String.fromCodePoint(Number(value)) : "\ufffd";
    default:
      if (typeof value !== "bigint") return refuse(verb, value);
      return signed(value.toString(verb === "d" ? 10 : verb === "o" ? 8 : 2));
  }
}

function refuse(verb: string, value: TemplateValue): never {
  throw new TemplateCallError(`%${verb} does not fit ${kindOf(value)}`);
}

function formatFloat(verb: "f" | "e" | "g", value: number, digits: number | undefined): string {
  const twoDigits = (text: string) => text.replace(/e([+-])(\d)$/, "e$10$2");
  if (verb === "f") return value.toFixed(digits ?? 6);
  if (verb === "e") return twoDigits(value.toExponential(digits ?? 6));
  if (digits === undefined) return formatValue(value, () => {});
  const text = value.toPrecision(Math.max(1, digits));
  return twoDigits(
    text.includes("e") ? text.replace(/\.?0+e/, "e") : text.replace(/\.0*$|(\.\d*?)0+$/, "$1"),
  );
}

function pad(text: string, flags: string, width: number): string {
  const length = [...text].length;
  if (length >= width) return text;
  const missing = width - length;
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (!flags.includes("0")) return " ".repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}

const shortEscapes: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

function quoteText(text: string): string {
  const escaped = text.replaceAll(/["\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (shortEscapes[character] !== undefined) return shortEscapes[character];
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    if (code < 0x1_0000) return `\\u${code.toString(16).padStart(4, "0")}`;
    return `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return `"${escaped}"`;
}

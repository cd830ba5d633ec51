/**
 * Runs Go templates as Traefik runs dynamic configuration files: pure but for the environment, which is handed in, and
 * within bounds, so that no file hangs or exhausts the process that reads it.
 */
import { shownText } from "../../foundation/shown-text.ts";
import { builtInFunctions } from "./built-in-functions.ts";
import { listFunctions } from "./list-functions.ts";
import { numberFunctions } from "./number-functions.ts";
import { parseTemplate } from "./parse-template.ts";
import { regexpFunctions } from "./regexp-functions.ts";
import { TemplateError } from "./template-error.ts";
import {
  TemplateArguments,
  TemplateCallError,
  type TemplateFunction,
} from "./template-function.ts";
import type {
  TemplateCommand,
  TemplateNode,
  TemplateOperand,
  TemplatePipe,
} from "./template-node.ts";
import {
  formatValue,
  isList,
  isMap,
  isTrue,
  kindOf,
  sortedEntries,
  type TemplateValue,
} from "./template-value.ts";
import { textFunctions } from "./text-functions.ts";

const functions: ReadonlyMap<string, TemplateFunction> = new Map(
  [builtInFunctions, textFunctions, listFunctions, numberFunctions, regexpFunctions].flatMap(
    (group) => Object.entries(group),
  ),
);

const functionNames: ReadonlySet<string> = new Set(functions.keys());

interface TemplateLimits {
  readonly outputChars: number;
  /** Rounds of all loops together. */
  readonly iterations: number;
  /** Characters that functions read and make, and steps that weigh as much: a few seconds at most. */
  readonly work: number;
}

const defaultTemplateLimits: TemplateLimits = {
  outputChars: 64 * 1024 * 1024,
  iterations: 2_000_000,
  work: 256 * 1024 * 1024,
};

export interface RenderedTemplate {
  readonly text: string;
  /** Where in the template the character at this offset of `text` comes from. */
  readonly templateOffset: (offset: number) => number;
  /** Values that `env` gave: none of them may be shown. */
  readonly secrets: ReadonlySet<string>;
}

export interface TemplateEnvironment {
  readonly env: (name: string) => string | undefined;
  readonly limits?: TemplateLimits;
}

/** The weight of one step by itself. */
const stepWork = 32;

/** Throws `TemplateError`. */
export function renderTemplate(text: string, environment: TemplateEnvironment): RenderedTemplate {
  return new TemplateRun(text, environment).run();
}

type Flow = "on" | "break" | "continue";

class TemplateRun {
  readonly #text: string;
  readonly #env: (name: string) => string | undefined;
  readonly #limits: TemplateLimits;
  readonly #slots: TemplateValue[] = [];
  readonly #secrets = new Set<string>();
  readonly #chunks: string[] = [];
  /** Where each chunk starts in the output, where it comes from, and whether it stands there as it is. */
  readonly #starts: number[] = [];
  readonly #origins: number[] = [];
  readonly #verbatim: boolean[] = [];
  #length = 0;
  #work = 0;
  #iterations = 0;
  /** Of what runs now. */
  #offset = 0;

  constructor(text: string, { env, limits = defaultTemplateLimits }: TemplateEnvironment) {
    this.#text = text;
    this.#env = env;
    this.#limits = limits;
  }

  run(): RenderedTemplate {
    const { nodes, slotCount } = parseTemplate(this.#text, functionNames);
    // Traefik hands `false` to its files.
    for (let slot = 0; slot < slotCount; slot++) this.#slots.push(slot === 0 ? false : null);
    this.#run(nodes, false);
    return {
      text: this.#chunks.join(""),
      templateOffset: (offset) => this.#templateOffset(offset),
      secrets: this.#secrets,
    };
  }

  #run(nodes: readonly TemplateNode[], dot: TemplateValue): Flow {
    for (const node of nodes) {
      this.#offset = node.offset;
      this.#spend(stepWork);
      const flow = this.#step(node, dot);
      if (flow !== "on") return flow;
    }
    return "on";
  }

  #step(node: TemplateNode, dot: TemplateValue): Flow {
    switch (node.kind) {
      case "text":
        this.#write(node.text, node.offset, true);
        return "on";
      case "action": {
        const value = this.#set(node.pipe, dot);
        if (node.pipe.slots.length > 0) return "on";
        const text = value === null ? "<no value>" : formatValue(value, this.#spend);
        this.#write(text, node.offset, false);
        return "on";
      }
      case "if":
      case "with": {
        for (const { pipe, body } of node.branches) {
          const value = this.#set(pipe, dot);
          if (isTrue(value)) return this.#run(body, node.kind === "with" ? value : dot);
        }
        return this.#run(node.otherwise, dot);
      }
      case "range":
        return this.#range(node, dot);
      case "break":
      case "continue":
        return node.kind;
    }
  }

  #range(node: Extract<TemplateNode, { kind: "range" }>, dot: TemplateValue): Flow {
    const over = this.#pipe(node.pipe, dot);
    const [first, second] = node.pipe.slots;
    let empty = true;
    for (const [key, value] of this.#items(over, node.offset)) {
      empty = false;
      this.#offset = node.offset;
      this.#spend(stepWork);
      if (++this.#iterations > this.#limits.iterations) {
        throw this.#fail(`Loops run more than ${this.#limits.iterations} times`);
      }
      if (first !== undefined) this.#slots[first] = second === undefined ? value : key;
      if (second !== undefined) this.#slots[second] = value;
      if (this.#run(node.body, value) === "break") break;
    }
    return empty ? this.#run(node.otherwise, dot) : "on";
  }

  *#items(over: TemplateValue, offset: number): Generator<readonly [TemplateValue, TemplateValue]> {
    if (typeof over === "bigint") {
      for (let index = 0n; index < over; index++) yield [index, index];
    } else if (isMap(over)) {
      this.#spend(over.size * 16);
      yield* sortedEntries(over);
    } else if (isList(over)) {
      for (const [index, value] of over.entries()) yield [BigInt(index), value];
    } else if (over !== null) {
      throw new TemplateError(offset, `range cannot go over ${kindOf(over)}`);
    }
  }

  #set(pipe: TemplatePipe, dot: TemplateValue): TemplateValue {
    const value = this.#pipe(pipe, dot);
    for (const slot of pipe.slots) this.#slots[slot] = value;
    return value;
  }

  #pipe(pipe: TemplatePipe, dot: TemplateValue): TemplateValue {
    let value: TemplateValue | undefined;
    for (const command of pipe.commands) value = this.#command(command, dot, value);
    return value ?? null;
  }

  #command(
    { head, rest, offset }: TemplateCommand,
    dot: TemplateValue,
    piped: TemplateValue | undefined,
  ): TemplateValue {
    if (head.kind !== "function") return this.#operand(head, dot);
    return this.#call(
      { name: head.name, offset },
      this.#arguments(head.name, { rest, dot, piped }),
    );
  }

  /** `and` and `or` leave out what comes after the operand that decides. */
  #arguments(
    name: string,
    {
      rest,
      dot,
      piped,
    }: {
      readonly rest: readonly TemplateOperand[];
      readonly dot: TemplateValue;
      readonly piped: TemplateValue | undefined;
    },
  ): readonly TemplateValue[] {
    const args: TemplateValue[] = [];
    for (const operand of rest) {
      const value = this.#operand(operand, dot);
      args.push(value);
      if ((name === "and" && !isTrue(value)) || (name === "or" && isTrue(value))) return [value];
    }
    if (piped !== undefined) args.push(piped);
    // None decided, so the last one is the result.
    return (name === "and" || name === "or") && args.length > 1 ? args.slice(-1) : args;
  }

  #call(
    { name, offset }: { readonly name: string; readonly offset: number },
    args: readonly TemplateValue[],
  ): TemplateValue {
    const definition = functions.get(name);
    if (definition === undefined) throw new TemplateError(offset, `Unknown function "${name}"`);
    this.#offset = offset;
    let size = stepWork + args.length;
    for (const arg of args) size += typeof arg === "string" ? arg.length : 0;
    this.#spend(size);
    const { min, max } = definition;
    if (args.length < min || args.length > max) {
      const wanted =
        min === max
          ? `${min}`
          : max < Number.POSITIVE_INFINITY
            ? `${min} to ${max}`
            : `at least ${min}`;
      throw new TemplateError(offset, `${name} takes ${wanted} arguments, not ${args.length}`);
    }
    try {
      const result = definition.apply(new TemplateArguments(args), {
        spend: this.#spend,
        env: (variable) => this.#readEnvironment(variable),
      });
      if (typeof result === "string") this.#spend(result.length);
      return result;
    } catch (error) {
      if (!(error instanceof TemplateCallError)) throw error;
      throw callFailure(name, offset, error);
    }
  }

  #operand(operand: TemplateOperand, dot: TemplateValue): TemplateValue {
    switch (operand.kind) {
      case "literal":
        return operand.value;
      case "dot":
        return dot;
      case "variable":
        return this.#slots[operand.slot] ?? null;
      case "pipe":
        return this.#pipe(operand.pipe, dot);
      case "function":
        return this.#call(operand, []);
      case "field": {
        const value = this.#operand(operand.of, dot);
        if (isMap(value)) return value.get(operand.name) ?? null;
        throw new TemplateError(
          operand.offset,
          `Cannot take .${shownText(operand.name)} of ${kindOf(value)}: only maps have fields`,
        );
      }
    }
  }

  #readEnvironment(name: string): string {
    const value = this.#env(name) ?? "";
    if (value !== "") this.#secrets.add(value);
    return value;
  }

  readonly #spend = (units: number): void => {
    this.#work += units;
    if (this.#work > this.#limits.work) throw this.#fail("The template does too much work");
  };

  #write(text: string, origin: number, verbatim: boolean): void {
    if (text === "") return;
    if (this.#length + text.length > this.#limits.outputChars) {
      throw this.#fail(`The template makes more than ${this.#limits.outputChars} characters`);
    }
    this.#chunks.push(text);
    this.#starts.push(this.#length);
    this.#origins.push(origin);
    this.#verbatim.push(verbatim);
    this.#length += text.length;
  }

  #fail(message: string): TemplateError {
    return new TemplateError(this.#offset, message);
  }

  #templateOffset(offset: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    const origin = this.#origins[low] ?? 0;
    return this.#verbatim[low] ? origin + offset - (this.#starts[low] ?? 0) : origin;
  }
}

function callFailure(name: string, offset: number, cause: TemplateCallError): TemplateError {
  return new TemplateError(offset, `Cannot call ${name}: ${cause.message}`, { cause });
}

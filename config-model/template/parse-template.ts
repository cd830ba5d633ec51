/** Go's template syntax to a tree, in one pass over the text. */
import { nearestName } from "../../foundation/nearest-name.ts";
import { shownText } from "../../foundation/shown-text.ts";
import { TemplateError } from "./template-error.ts";
import type {
  TemplateBranch,
  TemplateCommand,
  TemplateNode,
  TemplateOperand,
  TemplatePipe,
} from "./template-node.ts";
import { TemplateScanner, type TemplateToken } from "./template-scanner.ts";

export interface ParsedTemplate {
  readonly nodes: readonly TemplateNode[];
  readonly slotCount: number;
}

/** Blocks and parentheses inside one another. */
const maxNesting = 100;

const refused = new Set(["define", "template", "block"]);
const comment = /\{\{(?:-[ \t\r\n])?[ \t\r\n]*\/\*/y;

/** What ended a list of nodes. */
interface Terminator {
  readonly kind: "else" | "end" | "eof";
  readonly offset: number;
  /** After `else`: `if`, `with` or nothing. */
  readonly again: string | undefined;
}

export function parseTemplate(text: string, functionNames: ReadonlySet<string>): ParsedTemplate {
  return new TemplateParser(text, functionNames).parse();
}

class TemplateParser {
  readonly #text: string;
  readonly #functionNames: ReadonlySet<string>;
  readonly #scopes: Map<string, number>[] = [new Map([["$", 0]])];
  #slotCount = 1;
  #at = 0;
  /** The action before ends with `-}}`. */
  #trimNext: boolean = false;
  #depth = 0;
  #loops = 0;
  #scanner: TemplateScanner;

  constructor(text: string, functionNames: ReadonlySet<string>) {
    this.#text = text;
    this.#functionNames = functionNames;
    this.#scanner = new TemplateScanner(text, 0);
  }

  parse(): ParsedTemplate {
    const { nodes, terminator } = this.#nodes();
    if (terminator.kind !== "eof") {
      throw new TemplateError(terminator.offset, `"${terminator.kind}" belongs to no block`);
    }
    return { nodes, slotCount: this.#slotCount };
  }

  /** Nodes up to an `else`, an `end` or the end of the file. */
  #nodes(): { readonly nodes: readonly TemplateNode[]; readonly terminator: Terminator } {
    const nodes: TemplateNode[] = [];
    for (;;) {
      const offset = this.#takeText(nodes);
      if (offset === undefined) {
        const terminator: Terminator = { kind: "eof", offset: this.#text.length, again: undefined };
        return { nodes, terminator };
      }
      if (this.#skipComment(offset)) continue;
      const trims = /^\{\{-[ \t\r\n]/.test(this.#text.slice(offset, offset + 4));
      this.#scanner = new TemplateScanner(this.#text, offset + (trims ? 3 : 2));
      const node = this.#action(offset);
      if ("again" in node) return { nodes, terminator: node };
      nodes.push(node);
    }
  }

  /** Takes the text before the next action, and returns where that starts. */
  #takeText(nodes: TemplateNode[]): number | undefined {
    const found = this.#text.indexOf("{{", this.#at);
    const stop = found < 0 ? this.#text.length : found;
    let from = this.#at;
    let to = stop;
    while (this.#trimNext && from < to && isSpace(this.#text[from])) from++;
    if (found >= 0 && this.#text[found + 2] === "-" && isSpace(this.#text[found + 3])) {
      while (to > from && isSpace(this.#text[to - 1])) to--;
    }
    this.#trimNext = false;
    if (to > from) nodes.push({ kind: "text", offset: from, text: this.#text.slice(from, to) });
    this.#at = stop;
    return found < 0 ? undefined : found;
  }

  #skipComment(offset: number): boolean {
    comment.lastIndex = offset;
    const start = comment.exec(this.#text);
    if (start === null) return false;
    const end = this.#text.indexOf("*/", offset + start[0].length);
    if (end < 0) throw new TemplateError(offset, "the comment does not end");
    const close = /[ \t\r\n]*(-?)\}\}/y;
    close.lastIndex = end + 2;
    const closed = close.exec(this.#text);
    if (closed === null) throw new TemplateError(end, "}} must follow the end of a comment");
    this.#trimNext = closed[1] === "-";
    this.#at = close.lastIndex;
    return true;
  }

  #action(offset: number): TemplateNode | Terminator {
    const first = this.#scanner.peek();
    const word = first.kind === "word" ? first.name : "";
    if (refused.has(word)) {
      throw new TemplateError(first.offset, `"${word}" is not supported: a template stands alone`);
    }
    switch (word) {
      case "if":
      case "with":
        this.#scanner.next();
        return this.#conditional(word, offset);
      case "range":
        this.#scanner.next();
        return this.#range(offset);
      case "break":
      case "continue":
        this.#scanner.next();
        if (this.#loops === 0) throw new TemplateError(first.offset, `"${word}" outside of range`);
        this.#close();
        return { kind: word, offset };
      case "end":
        this.#scanner.next();
        this.#close();
        return { kind: "end", offset: first.offset, again: undefined };
      case "else": {
        this.#scanner.next();
        const again = this.#scanner.peek();
        if (again.kind !== "word") this.#close();
        return {
          kind: "else",
          offset: first.offset,
          again: again.kind === "word" ? again.name : undefined,
        };
      }
      default: {
        const pipe = this.#pipe(1);
        this.#close();
        return { kind: "action", offset, pipe };
      }
    }
  }

  /** The cases: the block ends; another branch follows; the last, unconditional one does. */
  #conditional(kind: "if" | "with", offset: number): TemplateNode {
    return this.#nested(offset, () => {
      const branches: TemplateBranch[] = [];
      for (;;) {
        const pipe = this.#pipe(1);
        this.#close();
        const { nodes: body, terminator } = this.#scoped(() => this.#nodes());
        branches.push({ pipe, body });
        if (terminator.kind === "end") return { kind, offset, branches, otherwise: [] };
        if (terminator.kind === "eof") throw this.#unended(kind, offset);
        if (terminator.again === undefined) {
          return { kind, offset, branches, otherwise: this.#lastBranch(kind, offset) };
        }
        const again = this.#scanner.next();
        if (terminator.again !== kind) {
          throw new TemplateError(
            again.offset,
            `"else ${shownText(terminator.again)}" cannot follow "${kind}"`,
          );
        }
      }
    });
  }

  #range(offset: number): TemplateNode {
    return this.#nested(offset, () => {
      const pipe = this.#pipe(2);
      this.#close();
      this.#loops++;
      const { nodes: body, terminator } = this.#scoped(() => this.#nodes());
      this.#loops--;
      if (terminator.kind === "eof") throw this.#unended("range", offset);
      if (terminator.again !== undefined) {
        throw new TemplateError(
          terminator.offset,
          `"else ${shownText(terminator.again)}" cannot follow "range"`,
        );
      }
      const otherwise = terminator.kind === "else" ? this.#lastBranch("range", offset) : [];
      return { kind: "range", offset, pipe, body, otherwise };
    });
  }

  #lastBranch(kind: string, offset: number): readonly TemplateNode[] {
    const { nodes, terminator } = this.#scoped(() => this.#nodes());
    if (terminator.kind === "eof") throw this.#unended(kind, offset);
    if (terminator.kind === "else") {
      throw new TemplateError(terminator.offset, `"else" after the last "else" of "${kind}"`);
    }
    return nodes;
  }

  #unended(kind: string, offset: number): TemplateError {
    return new TemplateError(offset, `"${kind}" has no "end"`);
  }

  #scoped<T>(parse: () => T): T {
    this.#scopes.push(new Map());
    const result = parse();
    this.#scopes.pop();
    return result;
  }

  /** Variables of a block's head are known in all its branches, and no longer after it. */
  #nested<T>(offset: number, parse: () => T): T {
    if (++this.#depth > maxNesting) {
      throw new TemplateError(
        offset,
        `more than ${maxNesting} blocks or parentheses in one another`,
      );
    }
    const result = this.#scoped(parse);
    this.#depth--;
    return result;
  }

  #close(): void {
    const token = this.#scanner.next();
    if (token.kind !== "end") throw unexpected(token);
    this.#at = token.end;
    this.#trimNext = this.#text[token.offset] === "-";
  }

  #pipe(maxVariables: number): TemplatePipe {
    const { offset } = this.#scanner.peek();
    const names: string[] = [];
    let first: TemplateCommand | undefined;
    let declares = false;
    if (this.#scanner.peek().kind === "variable") {
      ({ first, declares } = this.#variables(names, maxVariables));
    }
    const commands = [first ?? this.#command(undefined)];
    while (this.#scanner.peek().kind === "|") {
      this.#scanner.next();
      const { offset: at } = this.#scanner.peek();
      const command = this.#command(undefined);
      if (command.head.kind !== "function") {
        throw new TemplateError(at, "a function must follow |");
      }
      commands.push(command);
    }
    // Only now: a variable is not known in the pipeline that gives it its value.
    const slots = names.map((name) => (declares ? this.#declare(name) : this.#slot(name, offset)));
    return { offset, slots, commands };
  }

  /** The variables before `:=` or `=`; when there is no such sign, the command they begin. */
  #variables(
    names: string[],
    max: number,
  ): { readonly first: TemplateCommand | undefined; readonly declares: boolean } {
    const variable = this.#scanner.next();
    if (variable.kind !== "variable") throw unexpected(variable);
    const sign = this.#scanner.peek();
    if (sign.kind !== ":=" && sign.kind !== "=" && sign.kind !== ",") {
      return { first: this.#command(variable), declares: false };
    }
    names.push(variable.name);
    this.#scanner.next();
    let last: TemplateToken = sign;
    if (sign.kind === ",") {
      const second = this.#scanner.next();
      if (second.kind !== "variable" || max < 2) throw unexpected(max < 2 ? sign : second);
      names.push(second.name);
      last = this.#scanner.next();
    }
    if (last.kind !== ":=" && last.kind !== "=") throw unexpected(last);
    return { first: undefined, declares: last.kind === ":=" };
  }

  #declare(name: string): number {
    const slot = this.#slotCount++;
    this.#scopes.at(-1)?.set(name, slot);
    return slot;
  }

  #slot(name: string, offset: number): number {
    for (let depth = this.#scopes.length - 1; depth >= 0; depth--) {
      const slot = this.#scopes[depth]?.get(name);
      if (slot !== undefined) return slot;
    }
    const near = nearestName(
      name,
      this.#scopes.flatMap((scope) => [...scope.keys()].filter((known) => known !== "$")),
    );
    throw new TemplateError(
      offset,
      `Unknown variable "${shownText(name)}"`,
      near === undefined ? {} : { hint: `did you mean "${near}"?` },
    );
  }

  #command(started: TemplateToken | undefined): TemplateCommand {
    const { offset } = started ?? this.#scanner.peek();
    const head = this.#operand(started ?? this.#scanner.next());
    const rest: TemplateOperand[] = [];
    for (;;) {
      const { kind } = this.#scanner.peek();
      if (kind === "|" || kind === ")" || kind === "end") break;
      rest.push(this.#operand(this.#scanner.next()));
    }
    if (head.kind === "literal" && head.value === null) {
      throw new TemplateError(offset, "nil cannot stand alone");
    }
    if (rest.length > 0 && head.kind !== "function") {
      throw new TemplateError(offset, "only a function takes arguments");
    }
    return { offset, head, rest };
  }

  #operand(token: TemplateToken): TemplateOperand {
    let operand = this.#primary(token);
    let { end } = token;
    if (operand.kind === "pipe") end = this.#expectClosing();
    for (let fields = 0; ; fields++) {
      const next = this.#scanner.peek();
      if (next.kind !== "field" || next.offset !== end) return operand;
      this.#scanner.next();
      if (operand.kind === "literal") throw unexpected(next);
      if (fields === maxNesting) {
        throw new TemplateError(next.offset, `more than ${maxNesting} fields of one value`);
      }
      operand = { kind: "field", offset: next.offset, of: operand, name: next.name };
      end = next.end;
    }
  }

  #expectClosing(): number {
    const token = this.#scanner.next();
    if (token.kind !== ")") throw new TemplateError(token.offset, "a closing ) is missing");
    return token.end;
  }

  #primary(token: TemplateToken): TemplateOperand {
    const { offset } = token;
    switch (token.kind) {
      case "literal":
        return { kind: "literal", offset, value: token.value };
      case "dot":
        return { kind: "dot", offset };
      case "field":
        return { kind: "field", offset, of: { kind: "dot", offset }, name: token.name };
      case "variable":
        return { kind: "variable", offset, slot: this.#slot(token.name, offset) };
      case "word":
        this.#requireFunction(token.name, offset);
        return { kind: "function", offset, name: token.name };
      case "(":
        return { kind: "pipe", offset, pipe: this.#nested(offset, () => this.#pipe(0)) };
      case "|":
      case ")":
      case ",":
      case ":=":
      case "=":
      case "end":
        throw unexpected(token);
    }
  }

  #requireFunction(name: string, offset: number): void {
    if (this.#functionNames.has(name)) return;
    const near = nearestName(name, this.#functionNames);
    const hint =
      near === undefined
        ? "the documentation of configuration lists the functions"
        : `did you mean "${near}"?`;
    throw new TemplateError(offset, `Unknown function "${shownText(name)}"`, { hint });
  }
}

function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\n" || character === "\r" || character === "\t";
}

function unexpected(token: TemplateToken): TemplateError {
  if (token.kind === "end") return new TemplateError(token.offset, "a value is missing before }}");
  const shown = token.kind === "word" || token.kind === "variable" ? token.name : token.kind;
  return new TemplateError(token.offset, `"${shownText(shown)}" cannot stand here`);
}

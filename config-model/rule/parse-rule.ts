/**
 * Parses a rule of Traefik's v3 language: `!` binds before `&&` before `||`; calls take string literals only. The
 * result is in normal form at once: negation is carried down while parsing (De Morgan), chains of one operator become
 * one n-ary node, so a rule of ten thousand alternatives is one level deep and linear to parse.
 */
import { shownText } from "../../foundation/shown-text.ts";
import {
  checkMatcherCall,
  checkMatcherName,
  type MatcherCall,
  type RuleProtocol,
} from "./matcher-catalog.ts";
import { type Matcher, maxRuleDepth, type Rule } from "./rule.ts";
import { RuleScanner, RuleSyntaxError, type Token } from "./scan-rule.ts";

export interface RuleProblem {
  /** Index into the rule's text, in UTF-16 units. */
  readonly offset: number;
  readonly message: string;
}

export type RuleParse =
  | { readonly ok: true; readonly rule: Rule }
  | { readonly ok: false; readonly problem: RuleProblem };

export function parseRule(text: string, protocol: RuleProtocol): RuleParse {
  try {
    // Half a surrogate pair would be another character once it is sent as UTF-8; places stay the same.
    return { ok: true, rule: new RuleParser(text.toWellFormed(), protocol).parse() };
  } catch (error) {
    if (!(error instanceof RuleSyntaxError)) throw error;
    return { ok: false, problem: { offset: error.offset, message: error.message } };
  }
}

/** Parentheses and negations that change nothing are not counted by `maxRuleDepth`; this bounds the recursion. */
const maxNesting = 1000;

class RuleParser {
  readonly #scanner: RuleScanner;
  readonly #protocol: RuleProtocol;
  #token: Token;
  #nesting = 0;

  constructor(text: string, protocol: RuleProtocol) {
    this.#scanner = new RuleScanner(text);
    this.#protocol = protocol;
    this.#token = this.#scanner.next();
  }

  parse(): Rule {
    if (this.#token.kind === "end") throw new RuleSyntaxError(0, "the rule is empty");
    const rule = this.#parseAny(false);
    const rest: Token = this.#token;
    if (rest.kind !== "end") {
      throw new RuleSyntaxError(
        rest.offset,
        `expected "&&", "||" or the end of the rule, found ${describe(rest)}`,
      );
    }
    if (exceedsDepth(rule, maxRuleDepth)) {
      throw new RuleSyntaxError(0, `the rule is nested more than ${maxRuleDepth} levels deep`);
    }
    return rule;
  }

  #parseAny(negated: boolean): Rule {
    const rules = [this.#parseAll(negated)];
    while (this.#token.kind === "||") {
      this.#advance();
      rules.push(this.#parseAll(negated));
    }
    return combine(negated ? "all" : "any", rules);
  }

  #parseAll(negated: boolean): Rule {
    const rules = [this.#parseOperand(negated)];
    while (this.#token.kind === "&&") {
      this.#advance();
      rules.push(this.#parseOperand(negated));
    }
    return combine(negated ? "any" : "all", rules);
  }

  #parseOperand(negated: boolean): Rule {
    const token = this.#token;
    if (token.kind === "name") return this.#parseCall(negated);
    if (token.kind !== "!" && token.kind !== "(") {
      throw new RuleSyntaxError(token.offset, `expected a matcher, found ${describe(token)}`);
    }
    if (++this.#nesting > maxNesting) {
      throw new RuleSyntaxError(token.offset, `more than ${maxNesting} nested parentheses`);
    }
    this.#advance();
    let rule: Rule;
    if (token.kind === "!") {
      rule = this.#parseOperand(!negated);
    } else {
      rule = this.#parseAny(negated);
      this.#expect(")", token);
    }
    this.#nesting--;
    return rule;
  }

  #parseCall(negated: boolean): Matcher {
    const name = this.#token;
    const unknown = checkMatcherName(name.text, this.#protocol);
    if (unknown !== undefined) throw new RuleSyntaxError(name.offset, unknown);
    this.#advance();
    const open = this.#token;
    if (open.kind !== "(") {
      throw new RuleSyntaxError(
        open.offset,
        `expected "(" after "${shownText(name.text)}", found ${describe(open)}`,
      );
    }
    this.#advance();
    const values: Token[] = [];
    while (this.#token.kind !== ")") {
      values.push(this.#parseArgument(open));
      if (this.#token.kind !== ",") break;
      this.#advance();
    }
    this.#expect(")", open);
    const call = this.#checkedCall(name, values);
    return { kind: "matcher", name: call.name, arguments: call.arguments, negated };
  }

  #parseArgument(open: Token): Token {
    const token = this.#token;
    if (token.kind === "end") {
      throw new RuleSyntaxError(open.offset, `the "(" here is not closed`);
    }
    if (token.kind !== "string") {
      throw new RuleSyntaxError(
        token.offset,
        `expected a string in backticks or double quotes, found ${describe(token)}`,
      );
    }
    this.#advance();
    return token;
  }

  #checkedCall(name: Token, values: readonly Token[]): MatcherCall {
    const outcome = checkMatcherCall(
      name.text,
      values.map((value) => value.text),
      this.#protocol,
    );
    if ("call" in outcome) return outcome.call;
    const { argument, message } = outcome.problem;
    const at = argument === undefined ? undefined : values[argument];
    throw new RuleSyntaxError((at ?? name).offset, message);
  }

  #expect(kind: ")", open: Token): void {
    if (this.#token.kind === "end") {
      throw new RuleSyntaxError(open.offset, `the "(" here is not closed`);
    }
    if (this.#token.kind !== kind) {
      throw new RuleSyntaxError(this.#token.offset, `expected ")", found ${describe(this.#token)}`);
    }
    this.#advance();
  }

  #advance(): void {
    this.#token = this.#scanner.next();
  }
}

/** One operand stays as it is; operands of the same kind are taken in. */
function combine(kind: "all" | "any", operands: Rule[]): Rule {
  const [first] = operands;
  if (operands.length === 1 && first !== undefined) return first;
  return {
    kind,
    rules: operands.flatMap((operand) => (operand.kind === kind ? operand.rules : [operand])),
  };
}

function exceedsDepth(rule: Rule, limit: number): boolean {
  if (limit === 0) return true;
  return rule.kind !== "matcher" && rule.rules.some((inner) => exceedsDepth(inner, limit - 1));
}

function describe({ kind, text }: Token): string {
  switch (kind) {
    case "end":
      return "the end of the rule";
    case "string":
      return "a string";
    case "name":
    case "(":
    case ")":
    case ",":
    case "!":
    case "&&":
    case "||":
      return `"${shownText(text)}"`;
  }
}

import type { TemplateValue } from "./template-value.ts";

/** A parsed template. Offsets point into its text; variables are slots, so that running looks up no names. */
export type TemplateNode =
  | { readonly kind: "text"; readonly offset: number; readonly text: string }
  | { readonly kind: "action"; readonly offset: number; readonly pipe: TemplatePipe }
  | {
      readonly kind: "if" | "with";
      readonly offset: number;
      /** `if` and each `else if`; the first that holds runs. */
      readonly branches: readonly TemplateBranch[];
      readonly otherwise: readonly TemplateNode[];
    }
  | {
      readonly kind: "range";
      readonly offset: number;
      readonly pipe: TemplatePipe;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    }
  | { readonly kind: "break" | "continue"; readonly offset: number };

export interface TemplateBranch {
  readonly pipe: TemplatePipe;
  readonly body: readonly TemplateNode[];
}

export interface TemplatePipe {
  readonly offset: number;
  /** Variables set to the result: one, or for `range` up to two (index, value). */
  readonly slots: readonly number[];
  /** Each gets the result of the one before as its last argument. */
  readonly commands: readonly TemplateCommand[];
}

export interface TemplateCommand {
  readonly offset: number;
  readonly head: TemplateOperand;
  readonly rest: readonly TemplateOperand[];
}

export type TemplateOperand =
  | { readonly kind: "literal"; readonly offset: number; readonly value: TemplateValue }
  | { readonly kind: "function"; readonly offset: number; readonly name: string }
  | { readonly kind: "dot"; readonly offset: number }
  | { readonly kind: "variable"; readonly offset: number; readonly slot: number }
  | { readonly kind: "pipe"; readonly offset: number; readonly pipe: TemplatePipe }
  | {
      readonly kind: "field";
      readonly offset: number;
      readonly of: TemplateOperand;
      readonly name: string;
    };

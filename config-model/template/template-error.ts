/** Why a template cannot be read or run, and where. Its message never holds a value: values may come from the environment. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  /** Into the template's text. */
  readonly offset: number;
  readonly hint: string | undefined;

  constructor(
    offset: number,
    message: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.offset = offset;
    this.hint = options.hint;
  }
}

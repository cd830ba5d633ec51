/** What an error says, whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** With what caused it, outermost first. */
export function errorChainText(error: Error): string {
  return error.cause instanceof Error
    ? `${error.message}: ${errorChainText(error.cause)}`
    : error.message;
}

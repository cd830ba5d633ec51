/**
 * The static configuration cannot be used; the program does not start (exit code 2). The message has one line per
 * mistake, each with its place and the nearest valid key.
 */
export class StaticConfigurationError extends Error {
  override readonly name = "StaticConfigurationError";
}

/** What every command ends with. */
export const exitCode = { done: 0, failed: 1, wrongUsage: 2 } as const;

/** A mistake in how the program was called or configured: one sentence on standard error, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The work could not be done: one sentence on standard error, exit code 1. */
export class CommandFailedError extends Error {
  override readonly name = "CommandFailedError";
}

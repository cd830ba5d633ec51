import { describeBindError } from "../describe-bind-error.ts";

/** `Cannot bind admin to 127.0.0.1:8090: port is in use`. */
export class AdminBindError extends Error {
  override readonly name = "AdminBindError";

  constructor(address: string, options: { readonly cause: unknown }) {
    super(`Cannot bind admin to ${address}: ${describeBindError(options.cause)}`, options);
  }
}

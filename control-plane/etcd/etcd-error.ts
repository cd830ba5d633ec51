/**
 * What callers of etcd tell apart. Messages are sentences for an operator: they name the endpoint and never the password.
 * They hold nothing that differs between two attempts (no time, no attempt number), so that "the reason changed" can be
 * seen by comparing them.
 */
import {
  ClientClosedError,
  castGrpcError,
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdPermissionDeniedError,
  GRPCCancelledError,
  GRPCDeadlineExceededError,
  GRPCInternalError,
  GRPCUnauthenticatedError,
  GRPCUnavailableError,
  GRPCUnknownError,
} from "etcd3";

/** No answer: refused, reset, timed out, or etcd without a leader. Whether a write was applied is unknown. */
export class EtcdUnavailableError extends Error {
  override readonly name: string = "EtcdUnavailableError";
}

/** There was no connection to send the call on: it was not applied, and never will be. */
export class EtcdUnreachableError extends EtcdUnavailableError {
  override readonly name = "EtcdUnreachableError";
}

/** User or password are wrong or missing, or the user may not do this. Trying again helps once somebody mends it. */
export class EtcdRefusedError extends Error {
  override readonly name = "EtcdRefusedError";
}

/** The token is stale (etcd was restarted, or it expired): authenticate again. */
export class EtcdStaleTokenError extends Error {
  override readonly name = "EtcdStaleTokenError";
}

/** The wanted revision is compacted away: list anew. */
export class EtcdCompactedError extends Error {
  override readonly name = "EtcdCompactedError";
}

/** etcd answered that it cannot do this (request too large, out of space, no such lease); nothing was written. */
class EtcdRequestError extends Error {
  override readonly name = "EtcdRequestError";
}

/** Replaces the text etcd3 looks for, which would make it repeat the call with the same stale token without end. */
export const staleTokenDetails = "stale token";

const staleTokenTexts = ["invalid auth token", "revision of auth store is old", staleTokenDetails];

export function isStaleToken(message: string): boolean {
  return staleTokenTexts.some((text) => message.includes(text));
}

/** A failure of a call, in our terms. `failure` is what etcd3 or grpc-js threw. */
export function classifyEtcdError(
  failure: unknown,
  endpoint: string,
  username: string | undefined,
): Error {
  const error = castGrpcError(failure instanceof Error ? failure : new Error(String(failure)));
  const { message } = error;
  const options = { cause: failure };
  const refused = (why: string) =>
    new EtcdRefusedError(`etcd at ${endpoint} refused ${subject(username)}: ${why}`, options);
  if (error instanceof EtcdAuthenticationFailedError) return refused("authentication failed");
  if (error instanceof EtcdPermissionDeniedError) return refused("permission denied");
  if (message.includes("user name is empty")) {
    return refused("it requires a user and a password");
  }
  if (error instanceof EtcdInvalidAuthTokenError || isStaleToken(message)) {
    return new EtcdStaleTokenError(`etcd at ${endpoint} no longer knows our token`, options);
  }
  if (error instanceof GRPCUnauthenticatedError) return refused("authentication failed");
  if (message.includes("required revision has been compacted")) {
    return new EtcdCompactedError(`etcd at ${endpoint} has compacted the revision`, options);
  }
  if (error instanceof ClientClosedError) {
    // Another call found the connection broken while this one was being prepared.
    return new EtcdUnreachableError(`Cannot reach etcd at ${endpoint}: connection lost`, options);
  }
  if (isOutage(error)) {
    const Outage = wasNeverSent(message) ? EtcdUnreachableError : EtcdUnavailableError;
    return new Outage(`Cannot reach etcd at ${endpoint}: ${outageOf(error)}`, options);
  }
  const detail = /etcdserver: .*/.exec(message)?.[0] ?? message;
  return new EtcdRequestError(`etcd at ${endpoint} refused the request: ${detail}`, options);
}

function subject(username: string | undefined): string {
  return username === undefined ? "an anonymous user" : `user ${JSON.stringify(username)}`;
}

function isOutage(error: Error): boolean {
  return (
    error instanceof GRPCUnavailableError ||
    error instanceof GRPCDeadlineExceededError ||
    error instanceof GRPCCancelledError ||
    error instanceof GRPCInternalError ||
    error instanceof GRPCUnknownError
  );
}

function wasNeverSent(message: string): boolean {
  return /No connection established|Name resolution failed/.test(message);
}

const outages: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, "connection refused"],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, "host name cannot be resolved"],
  [/EHOSTUNREACH|ENETUNREACH/, "no route to host"],
  [/ETIMEDOUT/, "connection timed out"],
  [/ECONNRESET|GOAWAY|socket hang up|RST_STREAM/i, "connection lost"],
  [/no leader/, "the cluster has no leader"],
  [/self.signed certificate/, "its certificate is self-signed and no CA is configured for it"],
  [/unable to (get|verify)[^"]*certificate/, "its certificate is not signed by a known CA"],
  [/Hostname\/IP does not match/, "its certificate is for another host name"],
  [/certificate has expired/, "its certificate has expired"],
  [/wrong version number|packet length too long/, "it does not speak TLS"],
];

function outageOf(error: Error): string {
  const known = outages.find(([pattern]) => pattern.test(error.message));
  if (known !== undefined) return known[1];
  if (error instanceof GRPCDeadlineExceededError) return "no answer in time";
  if (error instanceof GRPCUnavailableError) return "connection lost";
  return error.message;
}

import type { FleetConfig } from "../config-model/static/static-configuration.ts";

/** Whether private keys stay here: nodes connect over TCP, without TLS, and nobody has said that it is allowed. */
export function withholdsKeys(
  { stream, insecureSecrets }: FleetConfig,
  streamAddress: string | undefined,
): boolean {
  return streamAddress !== undefined && stream.tls === undefined && !insecureSecrets;
}

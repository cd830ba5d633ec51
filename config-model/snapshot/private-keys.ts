/** Which resources hold a private key. A stream without TLS carries none, unless the operator has allowed it. */
import { ResourceBody, ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { Resource } from "./resource.ts";

export function bodyHoldsPrivateKey(body: ResourceBody["body"]): boolean {
  if (body?.$case === "tlsStore") return body.value.defaultCertificate !== undefined;
  return body?.$case === "tlsCertificate";
}

export function holdsPrivateKey({ kind, payload }: Resource): boolean {
  if (kind === ResourceKind.TLS_CERTIFICATE) return true;
  if (kind !== ResourceKind.TLS_STORE) return false;
  const { body } = ResourceBody.decode(payload);
  return body === undefined || bodyHoldsPrivateKey(body);
}

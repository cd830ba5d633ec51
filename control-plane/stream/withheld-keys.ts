/** A stream without TLS carries no private key, unless the operator has allowed it (`fleet.insecureSecrets`). */
import type { Resource } from "../../config-model/snapshot/resource.ts";
import { ResourceBody, ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";

/**
 * The compiler leaves such resources out. A generation may hold them all the same for a moment: one committed before the
 * stream was made insecure, or by a replica that is configured otherwise.
 */
export function holdsPrivateKey({ kind, payload }: Resource): boolean {
  if (kind === ResourceKind.TLS_CERTIFICATE) return true;
  if (kind !== ResourceKind.TLS_STORE) return false;
  const { body } = ResourceBody.decode(payload);
  return body?.$case !== "tlsStore" || body.value.defaultCertificate !== undefined;
}

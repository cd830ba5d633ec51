import type { TLSSocket } from "node:tls";
import { ClientAuth } from "../../proto/gen/switchyard/fleet/v1/resource.ts";

/** Node asks for a certificate and verifies it, and leaves the verdict to its own server: here that is us. */
export function isClientAllowed(socket: TLSSocket, clientAuth: ClientAuth): boolean {
  switch (clientAuth) {
    case ClientAuth.NONE:
    case ClientAuth.REQUEST:
      return true;
    case ClientAuth.REQUIRE_ANY:
      return hasCertificate(socket);
    case ClientAuth.VERIFY_IF_GIVEN:
      return !hasCertificate(socket) || isVerified(socket);
    case ClientAuth.REQUIRE_AND_VERIFY:
      return hasCertificate(socket) && isVerified(socket);
  }
}

function hasCertificate(socket: TLSSocket): boolean {
  return socket.getPeerX509Certificate() !== undefined;
}

/** Through a private field of Node (docs/decisions/0008): where it is not as expected, nobody is verified. */
function isVerified(socket: TLSSocket): boolean {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return false;
  const verifyError: unknown = Reflect.get(handle, "verifyError");
  if (typeof verifyError !== "function") return false;
  const verdict: unknown = verifyError.call(handle);
  return verdict === null;
}

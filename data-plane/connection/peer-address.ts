import type { Socket } from "node:net";

/** Without the zone of a link-local address, and IPv4 as such where the listener speaks IPv6. */
export function peerAddressOf(socket: Socket): string {
  const address = socket.remoteAddress ?? "";
  const zone = address.indexOf("%");
  const bare = zone === -1 ? address : address.slice(0, zone);
  return bare.startsWith("::ffff:") && bare.includes(".") ? bare.slice(7) : bare;
}

import { createSocket, type Socket, type SocketOptions } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { isIP } from "node:net";

export interface UdpBinding {
  /** "" is every interface, both families where the system has both. */
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** Other sockets of this user may be bound there too, if they say so as well: the kernel shares clients out. */
  readonly isShared: boolean;
}

/** What a system says that has no IPv6. */
const withoutIpv6: ReadonlySet<string | undefined> = new Set([
  "EAFNOSUPPORT",
  "EADDRNOTAVAIL",
  "EINVAL",
  "EPROTONOSUPPORT",
]);

/** A bound socket without listeners: what comes before there are any is lost. Rejects with the system's error. */
export async function bindUdpSocket({ host, port, isShared }: UdpBinding): Promise<Socket> {
  if (host !== "") {
    const address = isIP(host) === 0 ? (await lookup(host)).address : host;
    return bind({ address, port, isShared });
  }
  try {
    return await bind({ address: "::", port, isShared });
  } catch (error) {
    if (!withoutIpv6.has((error as NodeJS.ErrnoException).code)) throw error;
    return bind({ address: "0.0.0.0", port, isShared });
  }
}

interface LiteralBinding {
  readonly address: string;
  readonly port: number;
  readonly isShared: boolean;
}

async function bind({ address, port, isShared }: LiteralBinding): Promise<Socket> {
  const type = isIP(address) === 6 ? "udp6" : "udp4";
  const socket = createUdpSocket({ type, reusePort: isShared });
  try {
    const listening = once(socket, "listening"); // which may be before `bind` returns
    socket.bind({ address, port, exclusive: true });
    await listening;
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** For addresses only: nothing is looked up, so nothing is put off to a later turn. */
export function createUdpSocket(options: SocketOptions): Socket {
  return createSocket({
    ...options,
    lookup: (address, _options, done) => done(null, address, isIP(address)),
  });
}

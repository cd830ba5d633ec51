/**
 * `Upgrade` as a gateway may pass it on (RFC 9110 §7.8). Not every protocol: one that carries requests of its own would
 * take them past routing and middlewares, because after the change nobody here reads them ("h2c smuggling").
 */
const protocol = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?$/;
const carriesRequests = /^(?:h2|h2c|h3|https?|spdy|tls|ssl|connect-[^/]*)(?:\/|$)/i;

/** The protocols a client may be given, as a list; "" when there is none among those it asked for. */
export function allowedUpgrade(asked: string): string {
  return protocolsOf(asked)
    .filter((name) => protocol.test(name) && !carriesRequests.test(name))
    .join(", ");
}

/** Whether every protocol a server has changed to was asked for, and it has changed to one. */
export function isAskedFor(chosen: string, asked: string): boolean {
  const names = protocolsOf(asked.toLowerCase());
  const changed = protocolsOf(chosen.toLowerCase());
  return changed.length > 0 && changed.every((name) => names.includes(name));
}

function protocolsOf(list: string): string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

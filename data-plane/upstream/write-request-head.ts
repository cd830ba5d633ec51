import type { ForwardedExchange } from "../http/http-exchange.ts";
import { headerId } from "../http/known-header.ts";

/** How a server is addressed. */
export interface UpstreamAddress {
  /** As written in the server's URL. */
  readonly authority: string;
  readonly path: string;
  readonly preservePath: boolean;
  readonly passHostHeader: boolean;
}

/** The head that goes upstream, one character per byte. */
export function requestHeadText(exchange: ForwardedExchange, address: UpstreamAddress): string {
  const clientHost = address.passHostHeader ? exchange.sendableHost : "";
  const host = clientHost === "" ? address.authority : clientHost;
  const peer = exchange.appendsForwardedFor ? exchange.peerAddress : "";
  const fields = exchange.requestHeaders.lines(peer);
  const text = `${requestLine(exchange, address)}Host: ${host}\r\n${fields}${engineLines(exchange)}`;
  const isPeerSaid = peer === "" || exchange.requestHeaders.hasId(headerId.forwardedFor);
  return isPeerSaid ? `${text}\r\n` : `${text}X-Forwarded-For: ${peer}\r\n\r\n`;
}

function requestLine(exchange: ForwardedExchange, address: UpstreamAddress): string {
  const unchanged = address.preservePath ? "" : exchange.unchangedRequestLine;
  if (unchanged !== "") return unchanged;
  const path = exchange.sendablePath;
  const target = address.preservePath ? joinPaths(address.path, path) : path;
  return `${exchange.method} ${target}${exchange.query} HTTP/1.1\r\n`;
}

function engineLines(exchange: ForwardedExchange): string {
  let lines = "";
  if (exchange.requestFraming === "length") lines = `Content-Length: ${exchange.requestLength}\r\n`;
  else if (exchange.requestFraming === "chunked") lines = "Transfer-Encoding: chunked\r\n";
  const { acceptsTrailers, upgradeProtocol } = exchange;
  if (!acceptsTrailers && upgradeProtocol === "") return lines;
  if (acceptsTrailers) lines += "TE: trailers\r\n";
  if (upgradeProtocol === "") return `${lines}Connection: TE\r\n`;
  return `${lines}Connection: Upgrade${acceptsTrailers ? ", TE" : ""}\r\nUpgrade: ${upgradeProtocol}\r\n`;
}

function joinPaths(base: string, path: string): string {
  if (base === "" || base === "/") return path;
  return base.endsWith("/") ? base + path.slice(1) : base + path;
}

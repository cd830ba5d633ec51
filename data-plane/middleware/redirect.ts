import type { HttpExchange } from "../http/http-exchange.ts";
import { statusText } from "../http/status-text.ts";

/** Methods other than GET must stay what they are, so those get 307 and 308. */
export function redirect(exchange: HttpExchange, location: string, isPermanent: boolean): void {
  const isGet = exchange.method === "GET";
  const status = isPermanent ? (isGet ? 301 : 308) : isGet ? 302 : 307;
  exchange.respond(status, statusText(status), [["Location", location]]);
}

/** What follows the host in the URL of the request as handlers have left it; ASCII only. */
export function requestUri({ path, query }: HttpExchange): string {
  return path + query.replace(/[\x80-\xff]/g, escapedByte);
}

function escapedByte(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase()}`;
}

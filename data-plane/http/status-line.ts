import { statusText } from "./status-text.ts";

const statusLines = new Map<number, string>();

export function statusLine(status: number, reason: string): string {
  const usual = statusLines.get(status);
  if (usual !== undefined && (reason === "" || reason === statusText(status))) return usual;
  if (reason !== "" && reason !== statusText(status)) return `HTTP/1.1 ${status} ${reason}\r\n`;
  const line = `HTTP/1.1 ${status} ${statusText(status)}\r\n`;
  statusLines.set(status, line);
  return line;
}

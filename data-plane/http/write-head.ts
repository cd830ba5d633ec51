/** Serialising heads: strings of one character per byte, joined with small bodies into one write. */
import type { HeaderList } from "./header-list.ts";
import { headerId, isSentByEngine } from "./known-header.ts";
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

/** Field lines of what travels end to end; the engine writes the rest itself. */
export function fieldLines(headers: HeaderList): string {
  let lines = "";
  const { length } = headers;
  for (let index = 0; index < length; index += 1) {
    if (isSentByEngine[headers.idAt(index)] === 1) continue;
    lines += `${headers.nameAt(index)}: ${headers.valueAt(index)}\r\n`;
  }
  return lines;
}

/** Field lines that go upstream: `peerAddress`, unless "", ends X-Forwarded-For. */
export function requestFieldLines(headers: HeaderList, peerAddress: string): string {
  let lines = "";
  let isPeerSaid = peerAddress === "";
  const { length } = headers;
  for (let index = 0; index < length; index += 1) {
    const id = headers.idAt(index);
    if (isSentByEngine[id] === 1) continue;
    if (id === headerId.forwardedFor && !isPeerSaid) {
      isPeerSaid = true;
      const value = headers.valueAt(index);
      lines += `${headers.nameAt(index)}: ${value === "" ? "" : `${value}, `}${peerAddress}\r\n`;
      continue;
    }
    lines += `${headers.nameAt(index)}: ${headers.valueAt(index)}\r\n`;
  }
  return isPeerSaid ? lines : `${lines}X-Forwarded-For: ${peerAddress}\r\n`;
}

import {
  carriageReturn,
  colon,
  fieldValueByte,
  foldedTokenByte,
  horizontalTab,
  lineFeed,
  space,
} from "./byte-class.ts";
import type { HeaderList } from "./header-list.ts";
import {
  addToNameHash,
  classifyName,
  headerId,
  isManagedHeader,
  isReadByEngine,
} from "./known-header.ts";

export interface FieldReader {
  /**
   * Told of fields the engine reads itself, with a negative id of those that are spelled with `_` in place of `-`. 0: good;
   * else the status the message is refused with.
   */
  readField(id: number, value: string): number;
}

/** Where a head begins in `bytes`, and the same bytes, from there on, as text of one character per byte. */
export interface HeadSource {
  bytes: Uint8Array;
  start: number;
  text: string;
}

/** Each costs several looks later on; nobody sends a hundred. */
const maxFields = 1_000;

/**
 * Reads field lines from `index` (in the text) up to the empty line, which the caller knows is there. Returns the index
 * after it, or the negated status. Fields go to `headers`, except Host and Connection, which are the reader's, and with
 * `dropsManaged` those only trusted peers may send.
 */
export function parseFields(
  source: HeadSource,
  from: number,
  headers: HeaderList,
  reader: FieldReader,
  dropsManaged: boolean,
): number {
  const { bytes, start, text } = source;
  let index = start + from;
  for (let count = 0; ; count += 1) {
    const nameStart = index;
    let hash = 0;
    let folded = foldedTokenByte[bytes[index] ?? 0] ?? 0;
    // A line that begins with a space (obs-fold), or has one before its colon, stops here.
    while (folded !== 0) {
      hash = addToNameHash(hash, folded);
      index += 1;
      folded = foldedTokenByte[bytes[index] ?? 0] ?? 0;
    }
    if (index === nameStart) break;
    if (count === maxFields) return -431;
    if (bytes[index] !== colon) return -400;
    const nameEnd = index;
    index += 1;
    let byte = bytes[index] ?? 0;
    while (byte === space || byte === horizontalTab) {
      index += 1;
      byte = bytes[index] ?? 0;
    }
    const valueStart = index;
    let valueEnd = index;
    while (fieldValueByte[byte] === 1) {
      index += 1;
      if (byte !== space && byte !== horizontalTab) valueEnd = index;
      byte = bytes[index] ?? 0;
    }
    if (byte !== carriageReturn || bytes[index + 1] !== lineFeed) return -400;
    let id = classifyName(bytes, nameStart, nameEnd, hash);
    // In the one form that is sent on as it came.
    const isPlain =
      valueStart === nameEnd + 2 && valueEnd === index && bytes[nameEnd + 1] === space;
    if (id !== headerId.other) {
      const knownId = id < 0 ? -id : id;
      if (isManagedHeader[knownId] === 1 && dropsManaged) {
        index += 2;
        continue;
      }
      if (isReadByEngine[knownId] === 1) {
        if (!isPlain && isFraming(knownId) && hasTab(bytes, nameEnd, index)) return -400;
        const verdict = reader.readField(id, text.slice(valueStart - start, valueEnd - start));
        if (verdict !== 0) return -verdict;
        if (id === headerId.host || id === headerId.connection) {
          index += 2;
          continue;
        }
      }
    }
    if (isPlain) {
      if (id < 0) id = headerId.other;
      headers.appendParsed(id, nameStart - start, nameEnd - start, valueEnd - start);
    } else {
      const name = text.slice(nameStart - start, nameEnd - start);
      headers.appendChecked(name, text.slice(valueStart - start, valueEnd - start));
    }
    index += 2;
  }
  if (bytes[index] !== carriageReturn || bytes[index + 1] !== lineFeed) return -400;
  return index + 2 - start;
}

function isFraming(id: number): boolean {
  return id === headerId.contentLength || id === headerId.transferEncoding;
}

/** Some servers do not take a tab for the blank it is, and then see another value, or none. */
function hasTab(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes.subarray(start, end).includes(horizontalTab);
}

/**
 * Addresses and ranges as four 32-bit words, IPv4 mapped into IPv6 (`::ffff:a.b.c.d`), so that a peer that came over a
 * dual-stack socket equals its plain IPv4 form.
 */
import { isIP } from "node:net";

type AddressWords = readonly [number, number, number, number];

export interface AddressRange {
  readonly words: AddressWords;
  /** Of the mapped form: an IPv4 `/24` is 120. */
  readonly prefixLength: number;
}

const mappedPrefixBits = 96;
const mappedWord = 0xffff;

/** Of an address (all its bits count) or `address/bits`; absent when it is neither. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const slash = text.indexOf("/");
  const words = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (words === undefined) return undefined;
  if (slash === -1) return { words, prefixLength: 128 };
  const bitsText = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(bitsText)) return undefined;
  const isV4 = isIP(text.slice(0, slash)) === 4;
  const bits = Number(bitsText);
  if (bits > (isV4 ? 32 : 128)) return undefined;
  return { words, prefixLength: isV4 ? bits + mappedPrefixBits : bits };
}

/** False for text that is no address. */
export function rangeContains(range: AddressRange, address: string): boolean {
  const words = parseAddressRemembered(address);
  if (words === undefined) return false;
  for (let i = 0; i < 4; i += 1) {
    const bits = Math.min(32, range.prefixLength - i * 32);
    if (bits <= 0) return true;
    const mask = bits === 32 ? -1 : ~(-1 >>> bits);
    if ((((words[i] ?? 0) ^ (range.words[i] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

// The rules of one decision all ask about the same peer, and so do the requests of one connection.
let rememberedText = "";
let rememberedWords: AddressWords | undefined;

function parseAddressRemembered(text: string): AddressWords | undefined {
  if (text !== rememberedText) {
    rememberedWords = parseAddress(text);
    rememberedText = text;
  }
  return rememberedWords;
}

function parseAddress(text: string): AddressWords | undefined {
  switch (isIP(text)) {
    case 4:
      return [0, 0, mappedWord, parseV4(text)];
    case 6:
      return parseV6(text);
    default:
      return undefined;
  }
}

function parseV4(text: string): number {
  let word = 0;
  for (const octet of text.split(".")) word = (word << 8) | Number(octet);
  return word;
}

/** `text` is valid, as `isIP()` says. */
function parseV6(text: string): AddressWords {
  const zone = text.indexOf("%");
  const [head = "", tail] = (zone === -1 ? text : text.slice(0, zone)).split("::");
  const first = groupsOf(head);
  const last = tail === undefined ? [] : groupsOf(tail);
  const groups = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  const word = (index: number) => ((groups[index * 2] ?? 0) << 16) | (groups[index * 2 + 1] ?? 0);
  return [word(0), word(1), word(2), word(3)];
}

function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const word = parseV4(group);
    return [word >>> 16, word & 0xffff];
  });
}

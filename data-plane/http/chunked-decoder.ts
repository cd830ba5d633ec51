import { carriageReturn, fieldValueByte, lineFeed, tokenByte } from "./byte-class.ts";
import { HeaderList } from "./header-list.ts";
import { parseTrailers } from "./parse-trailers.ts";

/** Where a body goes, however it is framed. */
export interface BodyReceiver {
  bodyData(bytes: Buffer, start: number, end: number): void;
}

const state = {
  size: 0,
  sizeLineFeed: 1,
  data: 2,
  dataCarriageReturn: 3,
  dataLineFeed: 4,
  trailerStart: 5,
  trailerLine: 6,
  trailerLineFeed: 7,
  lastLineFeed: 8,
  done: 9,
  /** From here on: where in an extension. */
  extensionStart: 10,
  extensionName: 11,
  extensionValue: 12,
  extensionToken: 13,
  extensionQuoted: 14,
  extensionEscape: 15,
  extensionEnd: 16,
} as const;

/** Exact as a JavaScript number, and more than any body. */
const maxSizeDigits = 12;
const maxExtensionBytes = 1_024;
/** What extensions may come to more than data. */
const maxExcessBytes = 16_384;
const maxTrailerBytes = 16_384;
const quote = 34;
const zero = 48;
const semicolon = 59;
const equals = 61;
const backslash = 92;

/**
 * Chunked coding (RFC 9112 §7.1), strictly: every line ends with CRLF, a size is hex digits only, extensions are
 * checked, bounded and dropped, trailers are parsed like header fields. Works at any fragmentation and holds no body bytes.
 */
export class ChunkedDecoder {
  #state: number = state.size;
  #digits = 0;
  #remaining = 0;
  #extensionBytes = 0;
  #excessBytes = 0;
  #trailerText = "";
  #trailers: HeaderList | undefined;

  get isDone(): boolean {
    return this.#state === state.done;
  }

  /** Known once `isDone`; undefined when there were none. */
  get trailers(): HeaderList | undefined {
    return this.#trailers;
  }

  reset(): void {
    this.#state = state.size;
    this.#digits = 0;
    this.#remaining = 0;
    this.#extensionBytes = 0;
    this.#excessBytes = 0;
    this.#trailerText = "";
    this.#trailers = undefined;
  }

  /** Index after the last byte used, which is `end` unless the body is done; -1 when the coding is broken. */
  decode(bytes: Buffer, start: number, end: number, receiver: BodyReceiver): number {
    let index = start;
    while (index < end) {
      if (this.#state === state.data) {
        const stop = Math.min(end, index + this.#remaining);
        receiver.bodyData(bytes, index, stop);
        this.#remaining -= stop - index;
        index = stop;
        if (this.#remaining === 0) this.#state = state.dataCarriageReturn;
        continue;
      }
      const isGood = this.#step(bytes[index] ?? 0);
      index += 1;
      if (!isGood) return -1;
      if (this.#state === state.done) return index;
    }
    return index;
  }

  #step(byte: number): boolean {
    switch (this.#state) {
      case state.size:
        return this.#stepSize(byte);
      case state.sizeLineFeed:
        this.#state = this.#remaining === 0 ? state.trailerStart : state.data;
        this.#digits = 0;
        this.#excessBytes += this.#extensionBytes;
        this.#extensionBytes = 0;
        if (this.#excessBytes > maxExcessBytes) return false;
        this.#excessBytes = Math.max(0, this.#excessBytes - this.#remaining);
        return byte === lineFeed;
      case state.dataCarriageReturn:
        this.#state = state.dataLineFeed;
        return byte === carriageReturn;
      case state.dataLineFeed:
        this.#state = state.size;
        return byte === lineFeed;
      case state.trailerStart:
        this.#state = byte === carriageReturn ? state.lastLineFeed : state.trailerLine;
        return byte === carriageReturn || (tokenByte[byte] === 1 && this.#addToTrailers(byte));
      case state.trailerLine:
        if (byte === carriageReturn) this.#state = state.trailerLineFeed;
        else if (fieldValueByte[byte] !== 1) return false;
        return this.#addToTrailers(byte);
      case state.trailerLineFeed:
        this.#state = state.trailerStart;
        return byte === lineFeed && this.#addToTrailers(byte);
      case state.lastLineFeed:
        return byte === lineFeed && this.#finish();
      default:
        this.#extensionBytes += 1;
        return this.#extensionBytes <= maxExtensionBytes && this.#stepExtension(byte);
    }
  }

  /** `;name`, `;name=token` or `;name="quoted"`, without the blanks that RFC 9112 allows only to be read (§7.1.1). */
  #stepExtension(byte: number): boolean {
    switch (this.#state) {
      case state.extensionStart:
        this.#state = state.extensionName;
        return tokenByte[byte] === 1;
      case state.extensionValue:
        this.#state = byte === quote ? state.extensionQuoted : state.extensionToken;
        return byte === quote || tokenByte[byte] === 1;
      case state.extensionQuoted:
        if (byte === quote) this.#state = state.extensionEnd;
        else if (byte === backslash) this.#state = state.extensionEscape;
        return fieldValueByte[byte] === 1;
      case state.extensionEscape:
        this.#state = state.extensionQuoted;
        return fieldValueByte[byte] === 1;
      default:
        if (tokenByte[byte] === 1) return this.#state !== state.extensionEnd;
        if (byte === carriageReturn) this.#state = state.sizeLineFeed;
        else if (byte === semicolon) this.#state = state.extensionStart;
        else if (byte === equals && this.#state === state.extensionName) {
          this.#state = state.extensionValue;
        } else return false;
        return true;
    }
  }

  #stepSize(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      this.#digits += 1;
      this.#remaining = this.#remaining * 16 + digit;
      return this.#digits <= maxSizeDigits;
    }
    if (this.#digits === 0) return false;
    if (byte === carriageReturn) this.#state = state.sizeLineFeed;
    else if (byte === semicolon) this.#state = state.extensionStart;
    else return false;
    return true;
  }

  #addToTrailers(byte: number): boolean {
    this.#trailerText += String.fromCharCode(byte);
    return this.#trailerText.length <= maxTrailerBytes;
  }

  #finish(): boolean {
    this.#state = state.done;
    if (this.#trailerText === "") return true;
    this.#trailers = new HeaderList();
    return parseTrailers(this.#trailerText, this.#trailers);
  }
}

function hexDigit(byte: number): number {
  if (byte >= zero && byte <= 57) return byte - zero;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

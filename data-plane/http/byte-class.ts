/** What a byte may be in the parts of an HTTP/1.1 head (RFC 9110 §5.6.2, RFC 9112 §3 and §5), as tables. */
function tableOf(accepts: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (accepts(byte) ? 1 : 0));
}

const isAlphanumeric = (byte: number) => /[0-9A-Za-z]/.test(String.fromCharCode(byte));
const isOneOf = (characters: string) => (byte: number) =>
  characters.includes(String.fromCharCode(byte));

const isTokenMark = isOneOf("!#$%&'*+-.^_`|~");
export const tokenByte = tableOf((byte) => isAlphanumeric(byte) || isTokenMark(byte));

/**
 * Bytes of a token in the one form names are compared in: letters small, `_` as `-`. 0 where no token goes on.
 */
export const foldedTokenByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (tokenByte[byte] !== 1) return 0;
  if (byte === 95) return 45;
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
});

/** Field values: visible characters, space, tab and obs-text. No other control character gets through. */
export const fieldValueByte = tableOf((byte) => byte === 9 || (byte >= 32 && byte !== 127));

const isHostMark = isOneOf("-._~!$&'()*+,;=:%[]");
export const hostByte = tableOf((byte) => isAlphanumeric(byte) || isHostMark(byte));

/** Bytes of a request target, by what they ask of the parser. */
export const targetKind = {
  /** Controls, space, DEL, and `#`: a fragment never travels. */
  refused: 0,
  plain: 1,
  slash: 2,
  dot: 3,
  semicolon: 4,
  question: 5,
  /** Percent signs, and bytes a URI may not hold unescaped: the path has to be normalised. */
  normalise: 6,
} as const;

const isPathMark = isOneOf("-_~!$&'()*+,=:@[]");
export const targetByte = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte <= 32 || byte === 127 || byte === 35) return targetKind.refused;
  if (byte === 47) return targetKind.slash;
  if (byte === 46) return targetKind.dot;
  if (byte === 59) return targetKind.semicolon;
  if (byte === 63) return targetKind.question;
  return isAlphanumeric(byte) || isPathMark(byte) ? targetKind.plain : targetKind.normalise;
});

export const carriageReturn = 13;
export const lineFeed = 10;
export const space = 32;
export const horizontalTab = 9;
export const colon = 58;

/**
 * Whether some value of `key` in a raw query (with its leading "?") passes `accepts`. Pairs with a bad escape are
 * skipped, "+" is a space, a key without "=" has the empty value.
 */
export function someQueryValue(
  query: string,
  key: string,
  accepts: (value: string) => boolean,
): boolean {
  let start = query.startsWith("?") ? 1 : 0;
  while (start < query.length) {
    let end = query.indexOf("&", start);
    if (end === -1) end = query.length;
    let equals = query.indexOf("=", start);
    if (equals === -1 || equals > end) equals = end;
    if (decode(query.slice(start, equals)) === key) {
      const value = decode(query.slice(equals + 1, end));
      if (end > start && value !== undefined && accepts(value)) return true;
    }
    start = end + 1;
  }
  return false;
}

function decode(text: string): string | undefined {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined; // a bad escape
  }
}

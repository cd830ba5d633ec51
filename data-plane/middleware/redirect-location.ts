/**
 * A text made from configuration and request as the value of `Location`: what could be read as another URL than was
 * meant is refused, what a URI may not hold is escaped. The rules are those of Go's `url.Parse`.
 */
const controlCharacter = /\p{Cc}/u;
const parts = /^(?:([a-z][a-z0-9+.-]*):)?(\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/isu;
const malformedEscape = /%(?![0-9a-f]{2})/i;

/** Undefined: no URL. */
export function redirectLocation(text: string): string | undefined {
  if (text === "" || controlCharacter.test(text)) return undefined;
  const [, scheme, authority, path = "", query = "", fragment = ""] = parts.exec(text) ?? [];
  if (malformedEscape.test(path) || malformedEscape.test(fragment)) return undefined;
  const isRelative = scheme === undefined && authority === undefined;
  // The colon would make a scheme of it.
  if (isRelative && /^[^/]*:/.test(path)) return undefined;
  const host = authority === undefined ? "" : checkedAuthority(authority.slice(2));
  if (host === undefined) return undefined;
  const start = scheme === undefined ? "" : `${scheme.toLowerCase()}:`;
  const end = escaped(path) + escaped(query) + escaped(fragment);
  return start + (authority === undefined ? "" : `//${host}`) + end;
}

function checkedAuthority(authority: string): string | undefined {
  const userEnd = authority.lastIndexOf("@");
  const user = authority.slice(0, userEnd + 1);
  const host = escaped(authority.slice(userEnd + 1));
  if (malformedEscape.test(user) || !/^[\w\-.~!$&'()*+,;=%:@]*$/.test(user)) return undefined;
  // Only bytes beyond ASCII may be escaped in a name: `%31` would be read as `1` by some and not by others.
  const isHost = /^(?:\[[0-9a-f:.]+\]|(?:[\w\-.~!$&'()*+,;=]|%[89a-f][0-9a-f])*)(?::\d*)?$/i;
  return isHost.test(host) ? user + host : undefined;
}

/** Everything a URI may not hold as it is; escapes stay. */
function escaped(text: string): string {
  return text.replace(/[^\w\-.~!$&'()*+,;=:@/?#[\]%]/gu, (character) =>
    [...Buffer.from(character, "utf8")]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}

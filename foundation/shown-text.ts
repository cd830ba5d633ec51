/** How messages show what an operator wrote: never longer than a line can bear, and never with a password. */

export function shownText(text: string, maxCharacters = 80): string {
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters).toWellFormed()}...`;
}

/** A value of a key. What stands before the last `@` of a URL or address may hold a password, whatever it looks like. */
export function shownValue(text: string): string {
  const at = text.lastIndexOf("@");
  if (at < 0) return shownText(text);
  const scheme = /^[A-Za-z][A-Za-z\d+.-]*:\/\//.exec(text)?.[0] ?? "";
  const before = text.slice(scheme.length, at);
  if (scheme === "" && !before.includes(":")) return shownText(text);
  return shownText(`${scheme}***${text.slice(at)}`);
}

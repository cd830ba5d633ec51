const maxLength = 256;

/** Text a node sent, short enough to keep and without characters that would move a terminal's cursor. */
export function bounded(text: string): string {
  return text.slice(0, maxLength).replaceAll(/\p{Cc}/gu, "\u{FFFD}");
}

/**
 * The path as routing and upstreams see it (percent-encoding in one spelling, no `.`/`..`/empty segments), so that a
 * rule and the server behind it can never read one path as two. Only paths with something to change come here: the
 * parser notes whether there is.
 */
const isUnreserved = (code: number) => /[0-9A-Za-z\-._~]/.test(String.fromCharCode(code));
const reserved = new Set([..."/:?#[]@!$&'()*+,;=%"].map((character) => character.charCodeAt(0)));
const mayStayUnescaped = new Set(
  [..."/-._~!$&'()*+,;=:@[]0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"].map(
    (character) => character.charCodeAt(0),
  ),
);
const percent = 37;

function escaped(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** The escaped byte at `index`, where a percent sign stands; -1 when the escape is malformed. */
function escapedByteAt(path: string, index: number): number {
  const digits = path.slice(index + 1, index + 3);
  return /^[0-9A-Fa-f]{2}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

/**
 * Upper-case escapes, unreserved characters decoded, everything a URI may not hold escaped. `path` holds one character
 * per byte. Undefined when an escape is malformed.
 */
export function normalisePath(path: string): string | undefined {
  let normal = "";
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    if (code !== percent) {
      normal += mayStayUnescaped.has(code) ? path[index] : escaped(code);
      continue;
    }
    const byte = escapedByteAt(path, index);
    if (byte === -1) return undefined;
    normal += isUnreserved(byte) ? String.fromCharCode(byte) : escaped(byte);
    index += 2;
  }
  return normal;
}

/** Resolves `.` and `..` (never above the root) and merges slashes; a trailing slash stays. */
export function sanitisePath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") segments.pop();
    else segments.push(segment);
  }
  const clean = `/${segments.join("/")}`;
  return path.endsWith("/") && clean !== "/" ? `${clean}/` : clean;
}

/** What `Path*` matchers compare: escapes of a normalised path decoded, except those of reserved characters. */
export function routingPathOf(normalPath: string): string {
  if (!normalPath.includes("%")) return normalPath;
  const bytes: number[] = [];
  for (let index = 0; index < normalPath.length; index += 1) {
    const code = normalPath.charCodeAt(index);
    const byte = code === percent ? escapedByteAt(normalPath, index) : -1;
    if (byte === -1 || reserved.has(byte)) {
      bytes.push(code);
      continue;
    }
    bytes.push(byte);
    index += 2;
  }
  return Buffer.from(bytes).toString("utf8");
}

/** Every escape decoded, what a rule never sees: only to find out which part of the escaped path is meant. */
export function decodedPath(escapedPath: string): string {
  if (!escapedPath.includes("%")) return escapedPath;
  const bytes = escapedPath.replace(/%[0-9A-Fa-f]{2}/g, (triplet) =>
    String.fromCharCode(Number.parseInt(triplet.slice(1), 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}

export function hasMalformedEscape(path: string): boolean {
  return /%(?![0-9A-Fa-f]{2})/.test(path);
}

/** A path a handler made of configuration text: what cannot travel in a request line is escaped. */
export function sendablePath(path: string): string {
  const bytes = Buffer.from(path, "utf8").toString("latin1");
  let sendable = "";
  for (let index = 0; index < bytes.length; index += 1) {
    const code = bytes.charCodeAt(index);
    sendable += code === percent || mayStayUnescaped.has(code) ? bytes[index] : escaped(code);
  }
  return sendable.startsWith("/") ? sendable : `/${sendable}`;
}

/** `;` between parameters is read differently by different servers: one spelling goes upstream. */
export function normaliseQuery(query: string, encodeSemicolons: boolean): string {
  return query.replaceAll(";", encodeSemicolons ? "%3B" : "&");
}

/** Bytes above 127 as escapes: servers would read them in the character set of their choice, or not at all. */
export function escapeQuery(query: string): string {
  return query.replaceAll(/[\x80-\xff]/g, (character) => escaped(character.charCodeAt(0)));
}

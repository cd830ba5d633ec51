/** Streams of requests and responses: mostly good ones in odd spellings, with something wrong every now and then. */
import type { SeededRandom } from "../support/seeded-random.ts";

const methods = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "TRACE", "get", "X!"] as const;
const targets = [
  "/",
  "/p",
  "/a/b?c=d",
  "/%41?;",
  "http://b/p",
  "http://b?q",
  "*",
  "/../x",
  "/p#f",
  "p",
] as const;
const hosts = ["a", "a:80", "a.b", "[::1]", "A.b.", "a..b", "", "u@a", "a:x", "[::1"] as const;
const names = [
  "X",
  "X-A",
  "x_b",
  "Accept",
  "Cookie",
  "X-Forwarded-For",
  "X-Real-Ip",
  "Via",
  "Content_Length",
] as const;
const values = [
  "",
  "1",
  "a b",
  "\t1 ",
  "a:b",
  "\x80\xff",
  '"q"',
  "a, b",
  "a\0",
  "a\rb",
  "a\nb",
  "a\x7f",
] as const;
const codings = [
  "chunked",
  "Chunked",
  " chunked ",
  "gzip, chunked",
  "xchunked",
  "chunked, chunked",
  "identity",
  "",
] as const;
const connections = [
  "close",
  "keep-alive",
  "x-a",
  "X, keep-alive",
  "upgrade",
  "te",
  "a b",
  ",",
  "content-length",
] as const;
const upgrades = ["websocket", "h2c", "foo/1, bar", "", "TLS/1.0"] as const;
const lines = [
  "\r\n",
  "\r\n",
  "\r\n",
  "\r\n",
  "\r\n",
  "\r\n",
  "\r\n",
  "\r\n",
  "\r\n",
  "\n",
  "\r",
  "\r\n ",
  "\r\r\n",
  "\n\r",
] as const;
const extensions = ["", "", "", ";a", ";a=b", ';a="b;c"', ";", ";a=", " ", ";a\n"] as const;
const trailerNames = [
  "X-Sum",
  "Grpc-Status",
  "Content-Length",
  "Cookie",
  "x_real_ip",
  "Host",
] as const;

/** Almost always the usual one. */
function lineEnd(random: SeededRandom): string {
  return random.chance(0.01) ? random.pick(lines) : "\r\n";
}

function field(random: SeededRandom, name: string, value: string): string {
  const colon = random.chance(0.02) ? random.pick([" :", "\t:", "", "::"]) : ":";
  const blank = random.pick(["", " ", " ", " ", "\t", "  "]);
  return `${name}${colon}${blank}${value}${lineEnd(random)}`;
}

function oneOf<T>(random: SeededRandom, choices: readonly T[], usual: number): T {
  return random.chance(0.95) ? random.pick(choices.slice(0, usual)) : random.pick(choices);
}

function chunks(random: SeededRandom): string {
  let text = "";
  for (let count = random.below(4); count > 0; count -= 1) {
    const data = random.pick([
      "a",
      "abc",
      "0\r\n\r\n",
      "GET /s HTTP/1.1\r\nHost: s\r\n\r\n",
      "\r\n",
    ]);
    const size = random.chance(0.03) ? random.below(40) : data.length;
    const digits = random.pick([
      size.toString(16),
      size.toString(16).toUpperCase(),
      `00${size.toString(16)}`,
    ]);
    text += `${digits}${oneOf(random, extensions, 6)}${lineEnd(random)}${data}${lineEnd(random)}`;
  }
  text += `${random.pick(["0", "0", "00", "0;a"])}${lineEnd(random)}`;
  while (random.chance(0.2))
    text += field(random, random.pick(trailerNames), oneOf(random, values, 6));
  return text + lineEnd(random);
}

/** Fields of a body, and the body. */
function bodyOf(random: SeededRandom): readonly [string, string] {
  const kind = random.below(10);
  if (kind < 4) return ["", ""];
  if (kind < 7) {
    const body = random.pick(["", "abc", "GET /s HTTP/1.1\r\nHost: s\r\n\r\n", "0\r\n\r\n"]);
    const length = random.chance(0.06)
      ? random.pick(["1", "+3", "3, 3", "007", " ", "9"])
      : `${body.length}`;
    const again = random.chance(0.03) ? field(random, "content-length", length) : "";
    return [field(random, random.pick(["Content-Length", "content-length"]), length) + again, body];
  }
  const length = random.chance(0.04) ? field(random, "Content-Length", "5") : "";
  const coding = field(random, "Transfer-Encoding", oneOf(random, codings, 3));
  return [random.chance(0.5) ? coding + length : length + coding, chunks(random)];
}

function otherFields(random: SeededRandom): string {
  let text = "";
  for (let count = random.below(4); count > 0; count -= 1) {
    const kind = random.below(12);
    if (kind < 7) text += field(random, oneOf(random, names, 8), oneOf(random, values, 8));
    else if (kind < 9) text += field(random, "Connection", oneOf(random, connections, 6));
    else if (kind === 9) text += field(random, "Upgrade", random.pick(upgrades));
    else if (kind === 10) text += field(random, "TE", random.pick(["trailers", "gzip", ""]));
    else text += field(random, "Expect", random.chance(0.8) ? "100-continue" : "x");
  }
  return text;
}

export function generateRequests(random: SeededRandom): string {
  let text = "";
  for (let count = 1 + random.below(3); count > 0; count -= 1) {
    const [framing, body] = bodyOf(random);
    const version = random.chance(0.95)
      ? "HTTP/1.1"
      : random.pick(["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1"]);
    const host = random.chance(0.95) ? field(random, "Host", oneOf(random, hosts, 5)) : "";
    const space = random.chance(0.99) ? " " : random.pick(["  ", "\t", ""]);
    if (random.chance(0.1)) text += "\r\n";
    text += `${oneOf(random, methods, 3)}${space}${oneOf(random, targets, 6)} ${version}${lineEnd(random)}`;
    const [before, behind] = random.chance(0.5) ? [host, ""] : ["", host];
    const again = random.chance(0.01) ? host : "";
    text += `${before}${otherFields(random)}${behind}${again}${framing}${lineEnd(random)}${body}`;
  }
  return text;
}

const statuses = [
  "200 OK",
  "404 Not Found",
  "500 ",
  "204 No Content",
  "304 Not Modified",
  "299",
  "20 OK",
  "2000 OK",
  "099 x",
] as const;
const informational = [
  "100 Continue",
  "103 Early Hints",
  "102 Processing",
  "101 Switching Protocols",
] as const;

/** What an upstream says to one request, and perhaps what nobody asked for behind it. */
export function generateResponse(random: SeededRandom): string {
  let text = "";
  while (random.chance(0.15)) {
    text += `HTTP/1.1 ${oneOf(random, informational, 3)}${lineEnd(random)}${otherFields(random)}\r\n`;
  }
  const [framing, body] = bodyOf(random);
  const version = random.chance(0.9) ? "HTTP/1.1" : random.pick(["HTTP/1.0", "HTTP/2.0", "ICY"]);
  text += `${version} ${oneOf(random, statuses, 5)}${lineEnd(random)}${otherFields(random)}`;
  text += `${framing}${lineEnd(random)}${body}`;
  if (random.chance(0.1))
    text += random.pick(["x", "\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"]);
  return text;
}

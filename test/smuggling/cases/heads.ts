/** Heads that two readers could divide into lines and fields differently. */
import {
  exactly,
  forwarded,
  forwardedGet,
  forwardedLast,
  get,
  lastGet,
  okAndClose,
  okAnswer,
  post,
  refused,
  type StreamCase,
  served,
  smuggled,
} from "../stream-case.ts";

const line = "GET /p HTTP/1.1\r\n";

/** obs-fold, and blanks around names (RFC 9112 §5.1, §5.2). */
export const folds: readonly StreamCase[] = [
  refused("a fold", get(`X: y\r\n ${smuggled}`)),
  refused("a fold with a tab", get("X: y\r\n\tz\r\n")),
  refused("a fold of nothing", get("X: y\r\n \r\n")),
  refused("a fold of tabs", get("X: y\r\n\t\t\r\n")),
  refused("a fold before the first field", `${line} Host: a\r\nHost: b\r\n\r\n`),
  refused("a fold of the request line", "GET /p HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n"),
  refused("a fold of Host", `${line}Host:\r\n a\r\n\r\n`),
  refused("a fold behind Host", `${line}Host: a\r\n b\r\n\r\n`),
  refused("a fold of Connection", get("Connection: close,\r\n x\r\n")),
  refused("a fold behind a good fold", get("X: y\r\n z\r\n z\r\n")),
  refused("a space before the colon", get("X : y\r\n")),
  refused("a tab before the colon", get("X\t: y\r\n")),
  refused("spaces before the colon of Host", `${line}Host  : a\r\n\r\n`),
  refused("a space in a name", get("X Y: z\r\n")),
  refused("a name of a space", get(" : z\r\n")),
  refused("a line of spaces", get("   \r\n")),
  refused("no colon", get("X\r\n")),
  refused("an empty name", get(": y\r\n")),
  refused("only a colon", get(":\r\n")),
  served(
    "blanks around a value",
    get("X-A:1\r\nX-B: \t 2\t \r\nX-C:\r\n"),
    forwardedGet("X-A: 1\r\nX-B: 2\r\nX-C: \r\n"),
  ),
  served("colons and tabs in a value", get("X: a:b\tc: \r\n"), forwardedGet("X: a:b\tc:\r\n")),
];

/** Lines end with CRLF and with nothing else (RFC 9112 §2.2). */
export const lineEnds: readonly StreamCase[] = [
  refused("LF behind the request line", "GET /p HTTP/1.1\nHost: a\r\n\r\n"),
  refused("LF behind a field", `${line}Host: a\nX: y\r\n\r\n`),
  refused("LF in place of the empty line", `${line}Host: a\r\n\n${smuggled}`),
  refused("LF everywhere", "GET /p HTTP/1.1\nHost: a\n\n"),
  refused("CR everywhere", "GET /p HTTP/1.1\rHost: a\r\r\r\n\r\n"),
  refused("CR behind the request line", "GET /p HTTP/1.1\rHost: a\r\n\r\n"),
  refused("CR behind a field", `${line}Host: a\rX: y\r\n\r\n`),
  refused("CR CR LF behind a field", `${line}Host: a\r\r\nX: y\r\n\r\n`),
  refused("LF CR behind a field", `${line}Host: a\n\rX: y\r\n\r\n`),
  refused("CR in a value", get("X: y\rz\r\n")),
  refused("CR at the start of a value", get("X: \ry\r\n")),
  refused("LF in a value", get("X: y\nz\r\n")),
  refused("CR in a name", get("X\rY: z\r\n")),
  refused("LF before the request", `\n${get("")}`),
  refused("CR before the request", `\r${get("")}`),
  refused("two empty lines before the request", `\r\n\r\n${get("")}`),
  refused("CR CR LF as the empty line", `${line}Host: a\r\n\r\r\n\r\n`),
  refused("an empty line and LF", `\r\n\n${get("")}`),
  refused("U+0085 as a line end", `${line}Host: a\x85X: y\r\n\r\n`),
  served("one empty line before the request", `\r\n${get("")}`, forwardedGet()),
  served("one empty line between requests", `${get("")}\r\n`, forwardedGet()),
];

const control = (byte: number): StreamCase =>
  refused(`byte ${byte} in a value`, get(`X: a${String.fromCharCode(byte)}b\r\n`));
const badName = (name: string): StreamCase =>
  refused(`name ${JSON.stringify(name)}`, get(`${name}: y\r\n`));

/** Control characters and names that are no tokens (RFC 9110 §5.1, §5.5). */
export const controls: readonly StreamCase[] = [
  ...[0, 1, 7, 8, 11, 12, 14, 27, 31, 127].map(control),
  ...[
    "X\0",
    "X\x7f",
    "X(",
    "X/",
    "X[",
    "X@",
    "X\xe9",
    'X"',
    "X,",
    "X;",
    "X=",
    "X{",
    "\xef\xbb\xbfX",
  ].map(badName),
  refused("NUL in Host", `${line}Host: a\0b\r\n\r\n`),
  refused("NUL in the target", "GET /p\0q HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("NUL in the method", "GE\0T /p HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("NUL before the method", `\0${smuggled}`),
  refused("the hello of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
  served(
    "bytes above 127 in a value",
    get("X: \x80\xe9\xff\r\n"),
    forwardedGet("X: \x80\xe9\xff\r\n"),
  ),
  served(
    "names of any token",
    get("!#$%&'*+-.^`|~9: y\r\n"),
    forwardedGet("!#$%&'*+-.^`|~9: y\r\n"),
  ),
];

const injected = (value: string): StreamCase =>
  refused(`injected ${JSON.stringify(value)}`, get(`X: ${value}\r\n`));

/** Values with a line of their own in them, and text that only looks like one. */
export const injections: readonly StreamCase[] = [
  ...[
    "a\nX-Admin: 1",
    "a\rX-Admin: 1",
    "a\n\rX-Admin: 1",
    "a\r\rX-Admin: 1",
    "a\0\nX-Admin: 1",
  ].map(injected),
  ...[
    "a\n\nGET /smuggled HTTP/1.1",
    "a\r\r\nX: b",
    "\nTransfer-Encoding: chunked",
    "a\x0bX-Admin: 1",
  ].map(injected),
  refused("LF in the target", "GET /p\nX: y HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("CR in the target", "GET /p\rX: y HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("a line in the query", "GET /p?a\nX: y HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("a line in the method", "GET\nX: y /p HTTP/1.1\r\nHost: a\r\n\r\n"),
  refused("a line in Host", `${line}Host: a\nX-Admin: 1\r\n\r\n`),
  refused("a line in Connection", get("Connection: close\nX-Admin: 1\r\n")),
  served(
    "escapes are text",
    get("X: a%0d%0aX-Admin: 1\r\n"),
    forwardedGet("X: a%0d%0aX-Admin: 1\r\n"),
  ),
  served("backslashes are text", get("X: a\\r\\nb\r\n"), forwardedGet("X: a\\r\\nb\r\n")),
  served(
    "escapes in the query are text",
    "GET /p?a%0d%0aX:%20y HTTP/1.1\r\nHost: a\r\n\r\n",
    forwarded("GET /p?a%0d%0aX:%20y"),
  ),
  served(
    "escapes in the path are text",
    "GET /p%0d%0aX HTTP/1.1\r\nHost: a\r\n\r\n",
    forwarded("GET /p%0D%0AX"),
  ),
  served(
    "U+010A in UTF-8 is no line end",
    get("X: \xc4\x8a\xc4\x8d\r\n"),
    forwardedGet("X: \xc4\x8a\xc4\x8d\r\n"),
  ),
];

/** What is left behind a request is the next request, and never a part of this one. */
export const leftovers: readonly StreamCase[] = [
  served("two requests at once", get(""), forwardedGet()),
  served(
    "a body, then the next",
    post("Content-Length: 3\r\n", "abc"),
    forwarded("POST /p", { framing: "Content-Length: 3\r\n", body: "abc" }),
  ),
  refused("what is left of a body", "abc\r\n\r\n"),
  ...["GET", "GET /", "GET / HTTP/1.1\r\nHost: a\r\n", "P", "\r\n"].map((rest) =>
    exactly(
      `${JSON.stringify(rest)} is left when the client ends`,
      get("") + rest,
      forwardedGet(),
      okAnswer,
      true,
    ),
  ),
  exactly("nothing", "", "", "", true),
  exactly("an empty line and nothing more", "\r\n", "", "", true),
  exactly(
    "requests behind one that closes are not served",
    lastGet + smuggled,
    forwardedLast,
    okAndClose,
  ),
  exactly(
    "ten in a row",
    get("").repeat(9) + lastGet,
    forwardedGet().repeat(9) + forwardedLast,
    okAnswer.repeat(9) + okAndClose,
  ),
  exactly(
    "a body that ends early takes the next request for itself",
    post(`Content-Length: ${lastGet.length}\r\n`, lastGet) + lastGet,
    forwarded("POST /p", { framing: `Content-Length: ${lastGet.length}\r\n`, body: lastGet }) +
      forwardedLast,
    okAnswer + okAndClose,
  ),
  ...(
    [
      ["a good one", get(""), forwardedGet(), okAnswer],
      [
        "a body",
        post("Content-Length: 1\r\n", "x"),
        forwarded("POST /p", { framing: "Content-Length: 1\r\n", body: "x" }),
        okAnswer,
      ],
    ] as const
  ).flatMap(([what, sent, upstream, client]) =>
    [
      "X\r\n\r\n",
      "GET /p HTTP/1.1\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\0\0\r\n\r\n",
    ].map((rest) =>
      exactly(
        `${JSON.stringify(rest)} behind ${what}`,
        sent + rest + smuggled,
        upstream,
        client + refused("", "").client,
      ),
    ),
  ),
];

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RecordedExchange, type RecordedRequest } from "../../test/support/recorded-exchange.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import { redirectLocation } from "./redirect-location.ts";
import { RedirectRegex } from "./redirect-regex.ts";
import { RedirectScheme } from "./redirect-scheme.ts";

/** Status and location, or "next". */
function outcome(handler: HttpHandler, request: RecordedRequest): string {
  const exchange = new RecordedExchange(request);
  const service: HttpHandler = { handle: (reached) => reached.respond(200, "next") };
  exchange.run([{ current: handler }], { current: service });
  const location = exchange.answerHeaders.get("location");
  return location === undefined
    ? `${exchange.answer?.status} ${exchange.answer?.body}`
    : `${exchange.answer?.status} ${location}`;
}

const toHttps = new RedirectScheme({ scheme: "https", port: "", permanent: true });

for (const [request, expected] of [
  [{ host: "a.test:8080", path: "/x%2F", query: "?a=b" }, "301 https://a.test/x%2F?a=b"],
  [{ method: "HEAD" }, "308 https://a.test/"],
  [{ method: "POST" }, "308 https://a.test/"],
  [{ host: "[::1]:80" }, "301 https://[::1]/"],
  [{ host: "a.test:" }, "301 https://a.test/"],
  [{ query: "?\xe9" }, "301 https://a.test/?%E9"],
  [{ isTls: true }, "200 next"],
  [{ isTls: true, host: "a.test:443" }, "200 next"],
  [{ isTls: true, host: "a.test:8443" }, "301 https://a.test/"],
  [{ headers: [["X-Forwarded-Proto", "HTTPS"]] }, "200 next"],
  [{ headers: [["X-Forwarded-Proto", "wss"]] }, "200 next"],
  [{ isTls: true, headers: [["X-Forwarded-Proto", "http"]] }, "301 https://a.test/"],
  [{ host: "", path: "/evil.test" }, "400 Bad Request"],
] as const) {
  test(`redirectScheme to https of ${JSON.stringify(request)}`, () => {
    assert.equal(outcome(toHttps, request), expected);
  });
}

test("redirectScheme leaves a client alone that is where it is sent, port included", () => {
  const to8443 = new RedirectScheme({ scheme: "https", port: "8443", permanent: false });
  assert.equal(outcome(to8443, { isTls: true, host: "a.test:8443" }), "200 next");
  assert.equal(outcome(to8443, { isTls: true }), "302 https://a.test:8443/");
  const to443 = new RedirectScheme({ scheme: "https", port: "443", permanent: false });
  assert.equal(outcome(to443, { host: "a.test:80" }), "302 https://a.test/");
});

test("redirectRegex sees the whole URL and goes on where it stays the same", () => {
  const regex = (expression: string, replacement: string) =>
    new RedirectRegex({ regex: expression, replacement, permanent: false });
  const request = { host: "www.a.test:81", path: "/x", query: "?a=1" };
  const cut = regex("^(https?)://www\\.(.*)", "$1://$2");
  assert.equal(outcome(cut, request), "302 http://a.test:81/x?a=1");
  assert.equal(
    outcome(cut, { ...request, method: "PUT", isTls: true }),
    "307 https://a.test:81/x?a=1",
  );
  assert.equal(outcome(cut, { host: "a.test" }), "200 next");
  assert.equal(outcome(regex("^(.*)$", "$1"), request), "200 next");
  assert.equal(outcome(regex("^.*$", "http://a b/"), request), "502 Bad Gateway");
});

for (const [text, expected] of [
  ["https://a.test:8080/x?y=z#f", "https://a.test:8080/x?y=z#f"],
  ["HTTPS://A.test/", "https://A.test/"],
  ["/relative", "/relative"],
  ["//other.test/x", "//other.test/x"],
  ["mailto:me@a.test", "mailto:me@a.test"],
  ["http://u:p@a.test/", "http://u:p@a.test/"],
  ["http://[::1]:80/", "http://[::1]:80/"],
  ["http://é.test/ü b?ö#ä", "http://%C3%A9.test/%C3%BC%20b?%C3%B6#%C3%A4"],
  ['http://a.test/"<>\\^`{|}', "http://a.test/%22%3C%3E%5C%5E%60%7B%7C%7D"],
  ["http://a.test/%2F", "http://a.test/%2F"],
  ["", undefined],
  ["http://a.test/\r\nX: y", undefined],
  ["http://a.test\\.evil.test/", undefined],
  ["http://a b/", undefined],
  ["http://192.168.0.%31/", undefined],
  ["http://a.test:port/", undefined],
  ["http://[::1/", undefined],
  ["http://u\\@a.test/", undefined],
  ["http://a.test/%zz", undefined],
  ["http://a.test/#%zz", undefined],
  [":no-scheme", undefined],
  ["1a:b", undefined],
] as const) {
  test(`redirectLocation() of ${JSON.stringify(text)}`, () => {
    assert.equal(redirectLocation(text), expected);
  });
}

test("redirectLocation() names the host that browsers read in it, or nothing", () => {
  const piece = fc.constantFrom(
    ...["http://", "https://", "a.test", "/", "//", "\\", "@", ":", "[", "]", "::1", "80", "."],
    ...["..", "%2F", "%31", "%c3", "#", "?", "&", "<", "é", " ", "\n", "\ud800"],
  );
  let read = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const location = redirectLocation(pieces.join(""));
      if (location === undefined) return;
      assert.match(location, /^[!-~]*$/);
      const [, host = ""] = /^https?:\/\/(?:[^@/?#]*@)?(\[[^\]]*\]|[^:/?#]*)/.exec(location) ?? [];
      if (host === "" || !URL.canParse(location)) return;
      read += 1;
      assert.equal(new URL(location).hostname, new URL(`http://${host}`).hostname);
    }),
    { numRuns: 5_000 },
  );
  assert.ok(read > 5, `${read} were read`);
});

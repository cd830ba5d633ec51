import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { vectors } from "../../test/support/vectors.ts";
import { canonicalHost, isValidHost, plainNameEnd, portOf } from "./canonical-host.ts";
import {
  normalisePath,
  normaliseQuery,
  routingPathOf,
  sanitisePath,
  sendablePath,
} from "./request-path.ts";

interface PathVector {
  readonly source: string;
  readonly stage: string;
  readonly config?: { readonly sanitizePath?: boolean };
  readonly request?: {
    readonly target?: string;
    readonly rawPath?: string;
    readonly host?: string;
  };
  readonly expected: Readonly<Record<string, unknown>>;
}

const pathOf = (target = "/") => target.replace(/^https?:\/\/[^/]*/, "") || "/";
const path = (target: string) => {
  const normal = normalisePath(pathOf(target));
  return normal === undefined ? undefined : sanitisePath(normal);
};

/** What this module answers for a vector, in the vector's words; undefined: not about paths or hosts. */
function outcome({
  stage,
  request = {},
}: PathVector): Readonly<Record<string, unknown>> | undefined {
  const target = request.target ?? "/";
  switch (stage) {
    case "sanitizePath":
      return { path: sanitisePath(pathOf(target)) };
    case "normalizePath": {
      const normal = normalisePath(request.rawPath ?? pathOf(target));
      return { status: normal === undefined ? 400 : 200, rawPath: normal };
    }
    case "routingPath":
      return { routingPath: routingPathOf(path(target) ?? "") };
    case "canonicalHost":
      return { canonicalHost: canonicalHost(target.replace(/^https?:\/\//, "")) };
    case "parseHost":
      return { host: canonicalHost(request.host ?? "") };
    case "entryPoint":
      return { escapedPath: path(target) };
    default:
      return undefined;
  }
}

for (const vector of vectors<PathVector>("entrypoint-path")) {
  const got = outcome(vector);
  if (got === undefined) continue;
  const keys = Object.keys(got).filter((key) => key in vector.expected);
  if (keys.length === 0) continue;
  test(`path of ${vector.source} (${vector.stage})`, () => {
    for (const key of keys) assert.equal(got[key], vector.expected[key], key);
  });
}

test("normalisePath() escapes what a URI may not hold and keeps reserved characters as they are", () => {
  assert.equal(normalisePath('/a|b"<>\\^`{}\xc3\xa9'), "/a%7Cb%22%3C%3E%5C%5E%60%7B%7D%C3%A9");
  assert.equal(normalisePath("/:@!$&'()*+,;=[]"), "/:@!$&'()*+,;=[]");
  assert.equal(normalisePath("/%2e%2E%7e%2f%00"), "/..~%2F%00");
});

for (const bad of ["/%", "/%4", "/%zz", "/%4g", "/a%%20", "/% 1", "/%+1"]) {
  test(`normalisePath() finds the escape in ${bad} malformed`, () => {
    assert.equal(normalisePath(bad), undefined);
  });
}

test("sanitisePath() never leaves the root and keeps a trailing slash", () => {
  const cases = {
    "/..": "/",
    "/../../a/": "/a/",
    "/a/.": "/a",
    "/./": "/",
    "//": "/",
    "/a//": "/a/",
  };
  for (const [dirty, clean] of Object.entries(cases))
    assert.equal(sanitisePath(dirty), clean, dirty);
});

test("routingPathOf() decodes as UTF-8 and leaves reserved characters escaped", () => {
  assert.equal(routingPathOf("/caf%C3%A9%20%2F%25%3B"), "/café %2F%25%3B");
});

test("sendablePath() makes any text fit for a request line", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.match(sendablePath(text), /^\/[!-~]*$/);
    }),
  );
  assert.equal(sendablePath("/a b/ü%20"), "/a%20b/%C3%BC%20");
});

test("normalising and sanitising a second time changes nothing", () => {
  const piece = fc.constantFrom("/", ".", "..", "%2e", "%2F", "a", "%41", "é", ";", "%7e");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const once = path(`/${pieces.join("")}`) ?? "";
      assert.equal(path(once), once);
      assert.doesNotMatch(once, /\/\/|\/\.\.?(\/|$)/);
    }),
  );
});

test("normaliseQuery() writes a semicolon as & or escaped", () => {
  assert.equal(normaliseQuery("?a=1;b=2", false), "?a=1&b=2");
  assert.equal(normaliseQuery("?a=1;b=2", true), "?a=1%3Bb=2");
});

test("hosts: port, brackets, trailing dot and case do not make another host", () => {
  assert.equal(canonicalHost("EXAMPLE.com.:8080"), "example.com");
  assert.equal(canonicalHost("[::1]:80"), "::1");
  assert.deepEqual(
    [portOf("a:80"), portOf("a"), portOf("[::1]"), portOf("[::1]:8")],
    ["80", "", "", "8"],
  );
});

test("isValidHost() takes names, addresses and ports, and nothing a parser could read differently", () => {
  for (const host of ["", "a", "a.b:80", "1.2.3.4", "[::1]", "[::1]:443", "a_b", "a:"]) {
    assert.ok(isValidHost(host), host);
  }
  for (const host of [
    "a b",
    "a,b/",
    "a@b",
    "a:b",
    "::1",
    "[a",
    "a]",
    "[g]",
    "a\\b",
    "a:1:2",
    "é",
    "a?b",
    "a#b",
  ]) {
    assert.ok(!isValidHost(host), host);
  }
});

test("plainNameEnd() only takes hosts that the long way would leave as they are", () => {
  const character = fc.constantFrom("a", "B", "1", "-", "_", ".", ":", "[", "]", "@", "é", " ");
  fc.assert(
    fc.property(fc.array(character, { maxLength: 8 }), (characters) => {
      const host = characters.join("");
      const end = plainNameEnd(host);
      if (end === -1) return;
      assert.ok(isValidHost(host), host);
      assert.equal(host.slice(0, end), canonicalHost(host));
      assert.equal(host.slice(end + 1), portOf(host));
    }),
    { numRuns: 2_000 },
  );
  assert.deepEqual([plainNameEnd("a.b:80"), plainNameEnd("a"), plainNameEnd("a:")], [3, 1, 1]);
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseServerUrl } from "./parse-server-url.ts";

describe("parseServerUrl()", () => {
  for (const [url, host, port, authority, path] of [
    ["http://10.0.0.1:8080", "10.0.0.1", 8080, "10.0.0.1:8080", ""],
    ["http://backend", "backend", 80, "backend", ""],
    ["HTTP://Backend.example:81/", "Backend.example", 81, "Backend.example:81", "/"],
    ["http://[::1]:8080/a/b", "::1", 8080, "[::1]:8080", "/a/b"],
    ["http://[2001:db8::1]", "2001:db8::1", 80, "[2001:db8::1]", ""],
    ["http://my_service:80?x=1", "my_service", 80, "my_service:80", ""],
    ["http://user:secret@h:1/p", "h", 1, "h:1", "/p"],
    ["http://h/a b/ü%2f", "h", 80, "h", "/a%20b/%C3%BC%2f"],
    ["http://h:", "h", 80, "h:", ""],
  ] as const) {
    test(`reads ${url}`, () => {
      const server = { scheme: "http", host, port, authority, path } as const;
      assert.deepEqual(parseServerUrl(url), { ok: true, server });
    });
  }

  for (const [url, code, message] of [
    ["", "invalid-value", "a server has no URL"],
    ["10.0.0.1:80", "invalid-value", 'Server URL "10.0.0.1:80" has no scheme'],
    [
      "https://h",
      "not-built",
      'Server URL "https://h" uses scheme "https", which is not supported yet',
    ],
    ["h2c://h", "not-built", 'Server URL "h2c://h" uses scheme "h2c", which is not supported yet'],
    ["ftp://h", "invalid-value", 'Server URL "ftp://h" has unknown scheme "ftp"'],
    ["http://", "invalid-value", 'Server URL "http://" has no valid host'],
    ["http://:80", "invalid-value", 'Server URL "http://:80" has no valid host'],
    ["http://a b", "invalid-value", 'Server URL "http://a b" has no valid host'],
    ["http://::1:80", "invalid-value", 'Server URL "http://::1:80" has no valid host'],
    [
      "http://[fe80::1%eth0x]:80",
      "invalid-value",
      'Server URL "http://[fe80::1%eth0x]:80" has no valid host',
    ],
    ["http://h:0", "invalid-value", 'Server URL "http://h:0" has an invalid port'],
    ["http://h:65536", "invalid-value", 'Server URL "http://h:65536" has an invalid port'],
    ["http://h:http", "invalid-value", 'Server URL "http://h:http" has an invalid port'],
    [
      "http://h/%zz",
      "invalid-value",
      'Server URL "http://h/%zz" has an invalid escape in its path',
    ],
    ["http://user:secret@h:x", "invalid-value", 'Server URL "http://***@h:x" has an invalid port'],
  ] as const) {
    test(`refuses "${url}"`, () => {
      const parsed = parseServerUrl(url);
      assert.ok(!parsed.ok);
      assert.deepEqual([parsed.code, parsed.message], [code, message]);
    });
  }
});

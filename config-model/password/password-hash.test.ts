import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePasswordHash } from "./password-hash.ts";

const digits = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

test("parsePasswordHash() takes the forms htpasswd writes", () => {
  for (const letter of ["a", "b", "x", "y"]) {
    const text = `$2${letter}$10$${digits}`;
    assert.deepEqual(parsePasswordHash(text), { kind: "bcrypt", text: `$2b$10$${digits}` });
  }
  const apr1 = "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/";
  assert.deepEqual(parsePasswordHash(apr1), {
    kind: "md5Crypt",
    magic: "$apr1$",
    salt: "H6uskkkW",
    text: apr1,
  });
  assert.equal(parsePasswordHash(apr1.replace("apr1", "1")).kind, "md5Crypt");
  const digest = "W6ph5Mm5Pz8GgiULbPgzG37mj9g=";
  assert.deepEqual(parsePasswordHash(`{SHA}${digest}`), { kind: "sha1", digest });
});

test("parsePasswordHash() says why nobody could log in with others, and does not say what they are", () => {
  for (const [text, reason] of [
    ["", "it has no password"],
    ["hunter2", "its password is no bcrypt, MD5 or {SHA} hash"],
    ["$6$salt$hunter2", "its password is no bcrypt, MD5 or {SHA} hash"],
    ["{SHA}hunter2", "its password is no bcrypt, MD5 or {SHA} hash"],
    ["$apr1$hunter2", "its password is no bcrypt, MD5 or {SHA} hash"],
    [`$2y$17$${digits}`, "its bcrypt cost is 17, and not from 4 to 16"],
    [`$2y$03$${digits}`, "its bcrypt cost is 03, and not from 4 to 16"],
    [`$2y$10$${digits}x`, "its bcrypt hash is not 60 characters of the right kind"],
    ["$2y$hunter2", "its bcrypt hash is not 60 characters of the right kind"],
  ] as const) {
    assert.deepEqual(parsePasswordHash(text), { kind: "unusable", reason });
  }
});

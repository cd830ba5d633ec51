import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { basicCredentials } from "./basic-credentials.ts";

test("basicCredentials() gives back what a client puts in, whatever it is", () => {
  const bytes = fc.uint8Array({ maxLength: 512 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(bytes, bytes, (user, password) => {
      fc.pre(!user.includes(":"));
      const encoded = Buffer.concat([user, Buffer.from(":"), password]).toString("base64");
      const credentials = basicCredentials(`Basic ${encoded}`);
      assert.deepEqual(credentials && Buffer.from(credentials.user, "latin1"), user);
      assert.deepEqual(credentials?.password, password);
    }),
  );
});

test("basicCredentials() passes over nothing: what it takes is base64 to the last character", () => {
  const nearlyBase64 = fc.string({ unit: fc.constantFrom(..."QWxhOm5v+/=-_ \t\n,:é".split("")) });
  let taken = 0;
  fc.assert(
    fc.property(nearlyBase64, (text) => {
      const credentials = basicCredentials(`basic ${text}`);
      if (credentials === undefined) return;
      taken += 1;
      const written = Buffer.concat([
        Buffer.from(`${credentials.user}:`, "latin1"),
        credentials.password,
      ]).toString("base64");
      assert.equal(written.length, text.length);
    }),
    { numRuns: 5_000, seed: 7 },
  );
  assert.ok(taken > 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { md5Crypt } from "./md5-crypt.ts";

/** By `openssl passwd -1` and `-apr1`, but for the first, which is of Traefik's tests. */
for (const [password, text] of [
  ["test", "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"],
  ["päss wörd", "$1$abcdefgh$cHEQ93worP4USgc5xGNtp/"],
  ["", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie."],
  ["a password of more than sixteen bytes", "$apr1$xy$EO3CYijqKkFT2FWhCz64c."],
] as const) {
  test(`md5Crypt() makes ${text}`, async () => {
    const [, form = "", salt = ""] = text.split("$");
    const input = { password: Buffer.from(password), magic: `$${form}$`, salt };
    assert.equal(await new Promise((resolve) => md5Crypt(input, resolve)), text);
  });
}

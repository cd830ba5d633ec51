import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parsePasswordHash } from "../../config-model/password/password-hash.ts";
import { PasswordChecks, type PasswordChecksInit, type UsableHash } from "./password-checks.ts";

function usable(text: string): UsableHash {
  const hash = parsePasswordHash(text);
  assert.ok(hash.kind !== "unusable");
  return hash;
}

/** Cost 4: as quick as the form can be. */
const bcrypt = usable("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");

/** Asks, and tells what was said so far. */
class Asker {
  readonly said: string[] = [];
  readonly checks: PasswordChecks;

  constructor(init: PasswordChecksInit = {}) {
    this.checks = new PasswordChecks(init);
  }

  ask(name: string, password: string, waiter: { isWaiting: boolean } = { isWaiting: true }): this {
    this.#ask(name, password, waiter, false);
    return this;
  }

  askDecoy(name: string, password: string): this {
    this.#ask(name, password, { isWaiting: true }, true);
    return this;
  }

  knows(password: string): boolean {
    const key = this.checks.questionKey(bcrypt, Buffer.from(password), false);
    return this.checks.isVerified(key);
  }

  #ask(name: string, text: string, waiter: { isWaiting: boolean }, isDecoy: boolean): void {
    const password = Buffer.from(text);
    const key = this.checks.questionKey(bcrypt, password, isDecoy);
    this.checks.ask(
      { key, hash: bcrypt, password, isDecoy },
      {
        from: name.charAt(0),
        get isWaiting() {
          return waiter.isWaiting;
        },
        decided: (verdict) => this.said.push(`${name} ${verdict}`),
      },
    );
  }
}

/** Comparisons that end when the test says so. */
function scripted(init: PasswordChecksInit = {}) {
  const begun: { readonly password: string; readonly end: (isSame: boolean) => void }[] = [];
  const asker = new Asker({
    ...init,
    compare: (_hash, password, end) => void begun.push({ password: String(password), end }),
  });
  return { asker, begun };
}

describe("PasswordChecks compares", () => {
  const verdict = (text: string, password: Buffer) => {
    const checks = new PasswordChecks();
    const hash = usable(text);
    const key = checks.questionKey(hash, password, false);
    const { promise, resolve } = Promise.withResolvers<string>();
    checks.ask(
      { key, hash, password, isDecoy: false },
      { from: "a", isWaiting: true, decided: resolve },
    );
    return promise;
  };
  const bytes = (...parts: readonly (string | number)[]) =>
    Buffer.concat(parts.map((part) => Buffer.from(typeof part === "string" ? part : [part])));

  // The bcrypt ones are of crypt_blowfish, the others of htpasswd and openssl.
  for (const [text, right, wrong] of [
    ["$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", "U*V"],
    ["$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*", "U*U"],
    [
      "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
      bytes(0xff, 0xff, 0xa3),
      "ÿÿ£",
    ],
    ["$2y$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", "", " "],
    ["$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/", "test", "Test"],
    ["$1$abcdefgh$cHEQ93worP4USgc5xGNtp/", "päss wörd", "pass word"],
    ["{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "password", "passwor"],
  ] as const) {
    test(text.slice(0, 12), async () => {
      assert.equal(await verdict(text, Buffer.from(right)), "right");
      assert.equal(await verdict(text, Buffer.from(wrong)), "wrong");
    });
  }
});

test("PasswordChecks computes bcrypt beside the event loop, and MD5 in several turns of it", async () => {
  for (const text of [
    "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
  ]) {
    const checks = new PasswordChecks();
    const [hash, password] = [usable(text), Buffer.from("guess")];
    let said = "";
    const key = checks.questionKey(hash, password, false);
    const decided = (verdict: string) => {
      said = verdict;
    };
    const waiter = { from: "a", isWaiting: true, decided };
    checks.ask({ key, hash, password, isDecoy: false }, waiter);
    let turns = 0;
    for (; said === ""; turns += 1) await nextTurn();
    assert.equal(said, "wrong");
    assert.ok(turns >= 5, `${turns} turns of ${text}`);
  }
});

/** What has been begun, in that order. */
const passwords = (begun: readonly { readonly password: string }[]) =>
  begun.map(({ password }) => password);

test("PasswordChecks runs one at a time, lets the same credentials wait together, and remembers what was right", () => {
  const { asker, begun } = scripted();
  asker.ask("a", "one").ask("b", "two").ask("c", "three").ask("d", "one");
  assert.deepEqual(passwords(begun), ["one"]);
  begun[0]?.end(true);
  assert.deepEqual(asker.said, ["a right", "d right"]);
  begun[1]?.end(false);
  begun[2]?.end(true);
  assert.deepEqual(passwords(begun), ["one", "two", "three"]);
  assert.deepEqual(asker.said, ["a right", "d right", "b wrong", "c right"]);
  const known = ["one", "two", "three"].filter((password) => asker.knows(password));
  assert.deepEqual(known, ["one", "three"]);
});

test("PasswordChecks lets clients take turns, so that who guesses holds nobody else up", () => {
  const { asker, begun } = scripted();
  for (let guess = 0; guess < 100; guess += 1) asker.ask(`guesser ${guess}`, `guess ${guess}`);
  asker.ask("ada", "hers").ask("bob", "his").ask("ada", "hers too");
  for (let count = 0; count < 5; count += 1) begun.at(-1)?.end(true);
  const hers = ["guess 0", "guess 1", "hers", "his", "guess 2", "hers too"];
  assert.deepEqual(passwords(begun), hers);
});

test("PasswordChecks says so when too many wait, and is free again when they have been told", () => {
  const { asker, begun } = scripted({ waitingCapacity: 3 });
  asker.ask("a", "one").ask("b", "two").ask("c", "two").ask("d", "one").ask("e", "four");
  assert.deepEqual(asker.said, ["d busy", "e busy"]);
  begun[0]?.end(false);
  begun[1]?.end(true);
  asker.ask("f", "four");
  assert.deepEqual(asker.said, ["d busy", "e busy", "a wrong", "b right", "c right"]);
  assert.deepEqual(passwords(begun), ["one", "two", "four"]);
});

test("PasswordChecks computes nothing for who has gone, and tells them nothing", () => {
  const { asker, begun } = scripted({ waitingCapacity: 4 });
  const [gone, leaving] = [{ isWaiting: true }, { isWaiting: true }];
  asker.ask("a", "one", leaving).ask("b", "two").ask("c", "three", gone).ask("d", "four");
  gone.isWaiting = false;
  leaving.isWaiting = false;
  for (const index of [0, 1, 2]) begun[index]?.end(true);
  assert.deepEqual(passwords(begun), ["one", "two", "four"]);
  assert.deepEqual(asker.said, ["b right", "d right"]);
  for (const name of ["e", "f", "g", "h"]) asker.ask(name, name);
  assert.ok(!asker.said.join().includes("busy"), "they do not count as waiting");
});

test("PasswordChecks finds a decoy's password wrong, and never remembers it", () => {
  const { asker, begun } = scripted();
  asker.askDecoy("nobody", "one").ask("somebody", "one");
  begun[0]?.end(true);
  assert.deepEqual(asker.said, ["nobody wrong"]);
  assert.equal(asker.knows("one"), false);
  assert.equal(begun.length, 2, "one is not the other");
  begun[1]?.end(true);
  assert.equal(asker.knows("one"), true);
  asker.askDecoy("nobody", "one");
  assert.equal(begun.length, 3, "it takes its time again");
});

test("PasswordChecks forgets first what was used longest ago", () => {
  const { asker, begun } = scripted({ verifiedCapacity: 2 });
  const verify = (password: string) => {
    asker.ask(password, password);
    begun.at(-1)?.end(true);
  };
  verify("one");
  verify("two");
  assert.ok(asker.knows("one"));
  verify("three");
  assert.deepEqual(
    ["one", "two", "three"].map((password) => asker.knows(password)),
    [true, false, true],
  );
});

test("PasswordChecks holds no password: not one of two processes has the other's keys", () => {
  const keys = [new PasswordChecks(), new PasswordChecks()].map((checks) =>
    checks.questionKey(bcrypt, Buffer.from("secret"), false),
  );
  assert.notEqual(keys[0], keys[1]);
  assert.equal(keys[0]?.length, 64);
});

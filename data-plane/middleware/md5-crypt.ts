/**
 * The MD5 forms of crypt: `$apr1$`, which is Apache's, and `$1$`. The thousand rounds the form wants take two milliseconds:
 * far too few against somebody who has the hash, and too many for everybody else in one turn of the event loop.
 */
import { hash } from "node:crypto";

const rounds = 1_000;
const roundsATurn = 125;
const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const zero = Buffer.alloc(1);
const noDigest = Buffer.alloc(16);

export interface Md5CryptInput {
  readonly password: Buffer;
  /** `$apr1$` or `$1$`. */
  readonly magic: string;
  readonly salt: string;
}

/** Calls `done`, in a later turn, with the whole text htpasswd keeps. */
export function md5Crypt(input: Md5CryptInput, done: (text: string) => void): void {
  const { magic, salt } = input;
  const saltBytes = Buffer.from(salt, "utf8");
  const messages = roundMessages(input.password, saltBytes);
  let digest = firstDigest(input, saltBytes);
  let round = 0;
  const takeTurn = () => {
    for (const end = round + roundsATurn; round < end; round += 1) {
      const message = messages[round % messages.length];
      if (message === undefined) throw new Error("there is a message for every round");
      message.bytes.set(digest, message.digestAt);
      digest = hash("md5", message.bytes, "buffer");
    }
    if (round < rounds) setImmediate(takeTurn);
    else done(`${magic}${salt}$${encoded(digest)}`);
  };
  setImmediate(takeTurn);
}

function firstDigest({ password, magic }: Md5CryptInput, salt: Buffer): Buffer {
  const inner = md5(password, salt, password);
  const parts = [password, Buffer.from(magic, "latin1"), salt];
  for (let left = password.length; left > 0; left -= 16) {
    parts.push(inner.subarray(0, Math.min(16, left)));
  }
  for (let bits = password.length; bits > 0; bits >>= 1) {
    parts.push((bits & 1) === 1 ? zero : password.subarray(0, 1));
  }
  return md5(...parts);
}

interface RoundMessage {
  readonly bytes: Buffer;
  /** Where the digest of the round before goes. */
  readonly digestAt: number;
}

/** What rounds hash repeats every 2 · 3 · 7 of them, but for the digest in it. */
function roundMessages(password: Buffer, salt: Buffer): readonly RoundMessage[] {
  return Array.from({ length: 42 }, (_, round) => {
    const middle = [];
    if (round % 3 !== 0) middle.push(salt);
    if (round % 7 !== 0) middle.push(password);
    const before = round % 2 === 1 ? [password, ...middle] : [];
    const after = round % 2 === 1 ? [] : [...middle, password];
    return {
      bytes: Buffer.concat([...before, noDigest, ...after]),
      digestAt: before.reduce((length, part) => length + part.length, 0),
    };
  });
}

function md5(...parts: readonly Buffer[]): Buffer {
  return hash("md5", Buffer.concat(parts), "buffer");
}

/** The form's own order of bytes, six bits a character, lowest first. */
function encoded(digest: Buffer): string {
  const at = (index: number) => digest[index] ?? 0;
  let text = "";
  for (let index = 0; index < 5; index += 1) {
    const third = index === 4 ? 5 : index + 12;
    text += characters((at(index) << 16) | (at(index + 6) << 8) | at(third), 4);
  }
  return text + characters(at(11), 2);
}

function characters(value: number, count: number): string {
  let text = "";
  for (let index = 0; index < count; index += 1) text += alphabet[(value >> (6 * index)) & 63];
  return text;
}

/**
 * Compares passwords with their hashes for a whole worker, so that no request waits for another one's arithmetic: bcrypt
 * is computed in the thread pool, one at a time, because all of the process shares it. Clients take turns, so that who
 * guesses waits for guesses. What has been verified is known for the next request, as a keyed hash from which nobody gets
 * a password; requests with the same credentials wait for one check together. Who waits no more costs nothing.
 */
import { hash as digestOf, randomBytes, timingSafeEqual } from "node:crypto";
import { createRequire } from "node:module";
import type { PasswordHash } from "../../config-model/password/password-hash.ts";
import { FairQueue } from "./fair-queue.ts";
import { md5Crypt } from "./md5-crypt.ts";

export type UsableHash = Exclude<PasswordHash, { readonly kind: "unusable" }>;

/** Somebody who waits for a verdict. */
export interface PasswordWaiter {
  /** The client, by its address. */
  readonly from: string;
  /** False: the verdict is of no interest any more. */
  readonly isWaiting: boolean;
  /** `busy`: there are too many waiting; nobody has looked. */
  decided(verdict: "right" | "wrong" | "busy"): void;
}

export interface PasswordQuestion {
  /** Of `questionKey`. */
  readonly key: string;
  readonly hash: UsableHash;
  readonly password: Buffer;
  /** Of nobody: the verdict is wrong whatever comes out, after the same time. */
  readonly isDecoy: boolean;
}

interface Check extends PasswordQuestion {
  readonly hash: SlowHash;
  readonly waiters: PasswordWaiter[];
}

/** Of node-bcrypt, loaded with the first hash of its form. */
interface Bcrypt {
  compare(
    password: Buffer,
    hash: string,
    done: (error: Error | null | undefined, isSame: boolean | undefined) => void,
  ): void;
}

/** Calls `done` later, never before it has returned. */
export type ComparePassword = (
  hash: SlowHash,
  password: Buffer,
  done: (isSame: boolean) => void,
) => void;

type SlowHash = Exclude<UsableHash, { readonly kind: "sha1" }>;

export interface PasswordChecksInit {
  readonly compare?: ComparePassword;
  readonly verifiedCapacity?: number;
  readonly waitingCapacity?: number;
}

const require = createRequire(import.meta.url);
let bcrypt: Bcrypt | undefined;

/** Throws when the library is not there for this machine. */
export function loadBcrypt(): Bcrypt {
  try {
    // biome-ignore lint/correctness/noUnresolvedImports: it names its main file without the ending
    bcrypt ??= require("bcrypt") as Bcrypt;
    return bcrypt;
  } catch (cause) {
    const message = `the bcrypt library is not there for ${process.platform} ${process.arch}`;
    throw new Error(message, { cause });
  }
}

function comparePassword(hash: SlowHash, password: Buffer, done: (isSame: boolean) => void): void {
  if (hash.kind === "bcrypt") {
    loadBcrypt().compare(password, hash.text, (_error, isSame) => done(isSame === true));
  } else {
    const { magic, salt } = hash;
    md5Crypt({ password, magic, salt }, (text) => done(isSameText(text, hash.text)));
  }
}

export class PasswordChecks {
  readonly #compare: ComparePassword;
  readonly #verifiedCapacity: number;
  readonly #waitingCapacity: number;
  readonly #secret = randomBytes(32);
  /** Keys of what was right, the one used longest ago first. */
  readonly #verified = new Set<string>();
  readonly #checks = new Map<string, Check>();
  readonly #queue = new FairQueue<Check>();
  #waiting = 0;
  /** There are as many workers as cores: one each keeps all of them busy. */
  #isRunning: boolean = false;

  constructor({
    compare = comparePassword,
    verifiedCapacity = 4_096,
    waitingCapacity = 256,
  }: PasswordChecksInit = {}) {
    this.#compare = compare;
    this.#verifiedCapacity = verifiedCapacity;
    this.#waitingCapacity = waitingCapacity;
  }

  /** What is known under it says nothing of the password to whoever reads it. */
  questionKey(hash: UsableHash, password: Buffer, isDecoy: boolean): string {
    const form = isDecoy ? "decoy" : hash.kind;
    const written = hash.kind === "sha1" ? hash.digest : hash.text;
    const question = Buffer.from(`${form}\0${written}\0`, "latin1");
    return digestOf("sha256", Buffer.concat([this.#secret, question, password]), "hex");
  }

  isVerified(key: string): boolean {
    if (!this.#verified.delete(key)) return false;
    this.#verified.add(key);
    return true;
  }

  /** Calls the waiter once, now or later; not at all when it has stopped waiting by then. */
  ask(question: PasswordQuestion, waiter: PasswordWaiter): void {
    const { hash, password, isDecoy } = question;
    if (hash.kind === "sha1") {
      const isSame = isSameText(digestOf("sha1", password, "base64"), hash.digest);
      waiter.decided(isSame && !isDecoy ? "right" : "wrong");
      return;
    }
    if (this.#waiting >= this.#waitingCapacity) {
      waiter.decided("busy");
      return;
    }
    this.#waiting += 1;
    const known = this.#checks.get(question.key);
    if (known !== undefined) {
      known.waiters.push(waiter);
      return;
    }
    const check = { ...question, hash, waiters: [waiter] };
    this.#checks.set(question.key, check);
    this.#queue.put(waiter.from, check);
    this.#run();
  }

  #run(): void {
    while (!this.#isRunning) {
      const check = this.#queue.take();
      if (check === undefined) return;
      if (check.waiters.some(({ isWaiting }) => isWaiting)) this.#begin(check);
      else this.#conclude(check, false);
    }
  }

  #begin(check: Check): void {
    this.#isRunning = true;
    this.#compare(check.hash, check.password, (isSame) => {
      this.#isRunning = false;
      this.#conclude(check, isSame);
      this.#run();
    });
  }

  #conclude(check: Check, isSame: boolean): void {
    const { key, waiters, isDecoy } = check;
    const isRight = isSame && !isDecoy;
    this.#checks.delete(key);
    this.#waiting -= waiters.length;
    if (isRight) this.#remember(key);
    for (const waiter of waiters) {
      if (waiter.isWaiting) waiter.decided(isRight ? "right" : "wrong");
    }
  }

  #remember(key: string): void {
    this.#verified.add(key);
    if (this.#verified.size <= this.#verifiedCapacity) return;
    for (const oldest of this.#verified) {
      this.#verified.delete(oldest);
      return;
    }
  }
}

function isSameText(a: string, b: string): boolean {
  const [bytesA, bytesB] = [Buffer.from(a), Buffer.from(b)];
  return bytesA.length === bytesB.length && timingSafeEqual(bytesA, bytesB);
}

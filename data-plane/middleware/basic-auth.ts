import { createHash, createHmac } from "node:crypto";
import { parsePasswordHash } from "../../config-model/password/password-hash.ts";
import type { BasicAuth as BasicAuthMessage } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { HeaderList } from "../http/header-list.ts";
import type { HttpExchange, HttpHandler } from "../http/http-exchange.ts";
import { statusText } from "../http/status-text.ts";
import { basicCredentials } from "./basic-credentials.ts";
import { loadBcrypt, type PasswordChecks, type UsableHash } from "./password-checks.ts";

/**
 * Lets users through who give their password. A name that nobody has costs the same as one that somebody has: its
 * password is compared with some user's, always the same one's, and is wrong whatever comes out.
 */
export class BasicAuth implements HttpHandler {
  readonly #checks: PasswordChecks;
  /** By name, one character a byte. */
  readonly #hashes: ReadonlyMap<string, UsableHash>;
  readonly #decoys: readonly UsableHash[];
  /** Chooses decoys: the same on every worker and node, unknown to who may ask. */
  readonly #decoyKey: Buffer;
  readonly #headerField: string;
  readonly #removeHeader: boolean;
  readonly #challenge: readonly (readonly [string, string])[];

  /** Throws, without naming a user, when it could not do its work. */
  constructor(
    { users, realm, headerField, removeHeader }: BasicAuthMessage,
    checks: PasswordChecks,
  ) {
    const hashes = new Map<string, UsableHash>();
    const secrets = createHash("sha256");
    for (const { name, hash: text } of users) {
      const hash = parsePasswordHash(text);
      if (hash.kind === "unusable") continue;
      hashes.set(Buffer.from(name, "utf8").toString("latin1"), hash);
      secrets.update(text);
    }
    this.#checks = checks;
    this.#hashes = hashes;
    this.#decoys = [...hashes.values()];
    this.#decoyKey = secrets.digest();
    this.#headerField = headerField;
    this.#removeHeader = removeHeader;
    this.#challenge = [
      ["Content-Type", "text/plain"],
      ["WWW-Authenticate", `Basic realm="${realm}"`],
    ];
    if (headerField !== "") checkSendable(headerField, [...hashes.keys()]);
    for (const [name, value] of this.#challenge) new HeaderList().append(name, value);
    if (this.#decoys.some(({ kind }) => kind === "bcrypt")) loadBcrypt();
  }

  handle(exchange: HttpExchange): void {
    const credentials = basicCredentials(exchange.requestHeaders.get("authorization"));
    if (credentials === undefined || this.#decoys.length === 0) {
      this.#refuse(exchange);
      return;
    }
    const { user, password } = credentials;
    const own = this.#hashes.get(user);
    const hash = own ?? this.#decoyFor(user);
    const isDecoy = own === undefined;
    const key = this.#checks.questionKey(hash, password, isDecoy);
    if (this.#checks.isVerified(key)) {
      this.#pass(exchange, user);
      return;
    }
    this.#checks.ask(
      { key, hash, password, isDecoy },
      {
        from: exchange.peerAddress,
        get isWaiting() {
          return exchange.isOpen;
        },
        decided: (verdict) => {
          if (verdict === "right") this.#pass(exchange, user);
          else if (verdict === "wrong") this.#refuse(exchange);
          else exchange.respond(503, statusText(503), [["Retry-After", "1"]]);
        },
      },
    );
  }

  #decoyFor(user: string): UsableHash {
    const number = createHmac("sha256", this.#decoyKey).update(user).digest().readUInt32BE();
    const decoy = this.#decoys[number % this.#decoys.length];
    if (decoy === undefined) throw new Error("there is a decoy for every number");
    return decoy;
  }

  #pass(exchange: HttpExchange, user: string): void {
    const { requestHeaders } = exchange;
    if (this.#headerField !== "") requestHeaders.set(this.#headerField, user);
    if (this.#removeHeader) requestHeaders.delete("authorization");
    exchange.next();
  }

  #refuse(exchange: HttpExchange): void {
    exchange.respond(401, "401 Unauthorized\n", this.#challenge);
  }
}

/** So that no request has to find out. */
function checkSendable(headerField: string, users: readonly string[]): void {
  new HeaderList().append(headerField, "");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  if (users.some((user) => /[\u0000-\u001f\u007f]/.test(user))) {
    throw new Error("a user's name holds a control character");
  }
}

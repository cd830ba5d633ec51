/**
 * The forms in which htpasswd keeps passwords, as Traefik takes them. The control plane tells which of them nobody could
 * log in with, data planes compare passwords with the others.
 */
export type PasswordHash =
  /** `text` begins with `$2b$`: the other letters stand for mistakes of other programs, and are taken as the same. */
  | { readonly kind: "bcrypt"; readonly text: string }
  /** `magic`: `$apr1$` or `$1$`. */
  | {
      readonly kind: "md5Crypt";
      readonly magic: string;
      readonly salt: string;
      readonly text: string;
    }
  /** In base64. */
  | { readonly kind: "sha1"; readonly digest: string }
  /** `reason`: without the value. */
  | { readonly kind: "unusable"; readonly reason: string };

/** One step doubles the time: with this one a check takes seconds, with the format's 31 a day. */
const maxBcryptCost = 16;
const minBcryptCost = 4;

export function parsePasswordHash(text: string): PasswordHash {
  if (/^\$2[abxy]\$/.test(text)) return parseBcrypt(text);
  const sha1 = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/.exec(text);
  if (sha1?.[1] !== undefined) return { kind: "sha1", digest: sha1[1] };
  const md5 = /^(\$(?:apr1|1)\$)([^$]*)\$[./0-9A-Za-z]{22}$/.exec(text);
  if (md5?.[1] !== undefined) {
    return { kind: "md5Crypt", magic: md5[1], salt: md5[2] ?? "", text };
  }
  const reason =
    text === "" ? "it has no password" : "its password is no bcrypt, MD5 or {SHA} hash";
  return { kind: "unusable", reason };
}

function parseBcrypt(text: string): PasswordHash {
  const cost = /^\$2.\$(\d\d)\$[./0-9A-Za-z]{53}$/.exec(text)?.[1];
  if (cost === undefined) {
    return { kind: "unusable", reason: "its bcrypt hash is not 60 characters of the right kind" };
  }
  if (Number(cost) < minBcryptCost || Number(cost) > maxBcryptCost) {
    const valid = `from ${minBcryptCost} to ${maxBcryptCost}`;
    return { kind: "unusable", reason: `its bcrypt cost is ${cost}, and not ${valid}` };
  }
  return { kind: "bcrypt", text: `$2b$${text.slice(4)}` };
}

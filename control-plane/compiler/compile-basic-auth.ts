/** Users are secret: sentences say where one is written, and nothing of what is. */
import type { BasicAuthConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { parsePasswordHash } from "../../config-model/password/password-hash.ts";
import type { FieldPath } from "../../config-model/schema/locate-field.ts";
import { byText } from "../../foundation/by-text.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { BasicAuth } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { type CompiledContent, invalid, type Problem } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import { isHeaderName } from "./header-name.ts";

interface Entry {
  readonly text: string;
  /** How sentences call it. */
  readonly place: string;
  readonly field: FieldPath;
}

interface User {
  readonly hash: string;
  readonly entry: Entry;
}

const writeHint = "write it as htpasswd does, like htpasswd -nB NAME";

export function compileBasicAuth(key: ObjectKey, config: BasicAuthConfig): CompiledContent {
  const refused = (reason: string, field: FieldPath, hint?: string) =>
    invalid("invalid-value", `Cannot use ${describeObject(key)}: ${reason}`, {
      field: ["basicAuth", ...field],
      ...(hint !== undefined && { hint }),
    });
  const { realm, headerField, removeHeader } = config;
  if (/\p{Cc}/u.test(realm)) {
    return refused("basicAuth.realm holds a control character", ["realm"]);
  }
  if (headerField !== "" && !isHeaderName(headerField)) {
    const shown = shownText(headerField);
    return refused(`"${shown}" for basicAuth.headerField is no header name`, ["headerField"]);
  }
  if (config.usersFile !== undefined && config.usersFile.content === undefined) {
    return refused("its users file has not been read", ["usersFile"]);
  }
  const users = new Map<string, User>();
  for (const entry of entriesOf(config)) {
    const parts = entry.text.split(":");
    const [name = "", hash = ""] = parts;
    const problem =
      parts.length !== 2
        ? "is not of the form name:hash"
        : /\p{Cc}/u.test(name)
          ? "has a control character in its name"
          : undefined;
    if (problem !== undefined) return refused(`${entry.place} ${problem}`, entry.field, writeHint);
    users.set(name, { hash, entry });
  }
  if (users.size === 0) return refused("basicAuth has no users", [], writeHint);
  const value: BasicAuth = {
    users: [...users]
      .map(([name, { hash }]) => ({ name, hash }))
      .sort((a, b) => byText(a.name, b.name)),
    realm,
    headerField,
    removeHeader,
  };
  const type = { $case: "basicAuth", value } as const;
  const problems = uselessUsers(key, users.values());
  return { kind: "usable", body: { $case: "httpMiddleware", value: { type } }, problems };
}

/** The file's lines first, so that what is written in the configuration wins. */
function entriesOf({ users, usersFile }: BasicAuthConfig): readonly Entry[] {
  const entries: Entry[] = [];
  const file = usersFile === undefined ? "" : shownText(usersFile.path);
  for (const [index, line] of (usersFile?.content ?? "").split("\n").entries()) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    entries.push({ text, place: `line ${index + 1} of ${file}`, field: ["usersFile"] });
  }
  for (const [index, text] of users.entries()) {
    const place = `entry ${index + 1} of basicAuth.users`;
    entries.push({ text, place, field: ["users", index] });
  }
  return entries;
}

/** Traefik takes them too. One sentence, however many there are. */
function uselessUsers(key: ObjectKey, users: Iterable<User>): readonly Problem[] {
  const useless: { readonly entry: Entry; readonly reason: string }[] = [];
  for (const { hash, entry } of users) {
    const parsed = parsePasswordHash(hash);
    if (parsed.kind === "unusable") useless.push({ entry, reason: parsed.reason });
  }
  const [first] = useless;
  if (first === undefined) return [];
  const { entry, reason } = first;
  const more = useless.length === 1 ? "" : `; nor can ${useless.length - 1} more`;
  return [
    {
      severity: "warning",
      code: "invalid-value",
      message: `The user in ${entry.place} of ${describeObject(key)} can never log in: ${reason}${more}`,
      field: ["basicAuth", ...entry.field],
      hint: writeHint,
    },
  ];
}

import type { HttpMiddleware } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import { AddPrefix } from "../middleware/add-prefix.ts";
import { BasicAuth } from "../middleware/basic-auth.ts";
import { Chain } from "../middleware/chain.ts";
import { EncodedCharacters } from "../middleware/encoded-characters.ts";
import { Headers } from "../middleware/headers.ts";
import { PasswordChecks } from "../middleware/password-checks.ts";
import { RedirectRegex } from "../middleware/redirect-regex.ts";
import { RedirectScheme } from "../middleware/redirect-scheme.ts";
import { ReplacePath } from "../middleware/replace-path.ts";
import { ReplacePathRegex } from "../middleware/replace-path-regex.ts";
import { StripPrefix } from "../middleware/strip-prefix.ts";
import { StripPrefixRegex } from "../middleware/strip-prefix-regex.ts";
import type { Definition } from "../switcher/cell.ts";

/** Of this worker: what was verified for one middleware need not be for its next version. */
const passwordChecks = new PasswordChecks();

/** Throws with the reason when this version cannot build it. */
export function planMiddleware(
  { type }: HttpMiddleware,
  fingerprint: string,
): Definition<HttpHandler> {
  switch (type?.$case) {
    case "addPrefix":
      if (type.value.prefix === "") throw new Error("addPrefix has an empty prefix");
      return standing(new AddPrefix(type.value.prefix), fingerprint);
    case "stripPrefix":
      return standing(new StripPrefix(type.value.prefixes), fingerprint);
    case "headers":
      return standing(new Headers(type.value), fingerprint);
    case "chain": {
      const members = type.value.middlewares;
      return { fingerprint, members, bind: (cells) => new Chain(cells) };
    }
    case "encodedCharacters":
      return standing(new EncodedCharacters(type.value.denied), fingerprint);
    case "redirectScheme":
      if (type.value.scheme === "") throw new Error("redirectScheme has no scheme");
      return standing(new RedirectScheme(type.value), fingerprint);
    case "redirectRegex":
      return standing(new RedirectRegex(type.value), fingerprint);
    case "stripPrefixRegex":
      return standing(new StripPrefixRegex(type.value.regex), fingerprint);
    case "replacePath":
      return standing(new ReplacePath(type.value.path), fingerprint);
    case "replacePathRegex":
      return standing(new ReplacePathRegex(type.value.regex, type.value.replacement), fingerprint);
    case "basicAuth":
      return standing(new BasicAuth(type.value, passwordChecks), fingerprint);
    case undefined:
      throw new Error("its type is unknown to this version");
  }
}

/** Refers to nothing, so it stays the same object in whatever state it is bound. */
function standing(handler: HttpHandler, fingerprint: string): Definition<HttpHandler> {
  return { fingerprint, members: [], bind: () => handler };
}

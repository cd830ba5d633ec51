import type { HttpMiddlewareConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import { regexpProblem } from "../../config-model/rule/regexp-problem.ts";
import { shownText, shownValue } from "../../foundation/shown-text.ts";
import type { HeaderEdit, HttpMiddleware } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { compileBasicAuth } from "./compile-basic-auth.ts";
import { type CompiledContent, invalid, type Problem } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";
import { isHeaderName } from "./header-name.ts";

export function compileHttpMiddleware(
  key: ObjectKey,
  config: HttpMiddlewareConfig,
): CompiledContent {
  const { addPrefix, stripPrefix, headers, chain } = config;
  if (addPrefix !== undefined) {
    return usable({ $case: "addPrefix", value: { prefix: addPrefix.prefix } });
  }
  if (stripPrefix !== undefined) {
    return usable({ $case: "stripPrefix", value: { prefixes: [...stripPrefix.prefixes] } });
  }
  if (headers !== undefined) {
    const problem =
      headerProblem("customRequestHeaders", headers.customRequestHeaders) ??
      headerProblem("customResponseHeaders", headers.customResponseHeaders);
    if (problem !== undefined) {
      return invalid("invalid-value", `Cannot use ${describeObject(key)}: ${problem}`);
    }
    return usable({
      $case: "headers",
      value: {
        request: sortedEdits(headers.customRequestHeaders),
        response: sortedEdits(headers.customResponseHeaders),
      },
    });
  }
  if (chain !== undefined) {
    const provider = providerOf(key);
    const middlewares = chain.middlewares.map((name) => qualifiedReference(name, provider));
    return usable({ $case: "chain", value: { middlewares } });
  }
  return (
    compileRewrite(key, config) ??
    compileGuard(key, config) ??
    invalid("invalid-value", `Cannot use ${describeObject(key)}: it has no type`)
  );
}

/** What changes the path and goes on. */
function compileRewrite(key: ObjectKey, config: HttpMiddlewareConfig): CompiledContent | undefined {
  const { stripPrefixRegex, replacePath, replacePathRegex } = config;
  if (stripPrefixRegex !== undefined) {
    const { regex } = stripPrefixRegex;
    return (
      mistakenRegexp(key, "stripPrefixRegex.regex", ...regex) ??
      usable({ $case: "stripPrefixRegex", value: { regex: [...regex] } })
    );
  }
  if (replacePath !== undefined) {
    const { path } = replacePath;
    const type = { $case: "replacePath", value: { path } } as const;
    if (!/%(?![0-9A-F]{2})/i.test(path)) return usable(type);
    return usable(type, {
      severity: "warning",
      code: "invalid-value",
      message: `Cannot put "${shownValue(path)}" in place of a path, as ${describeObject(key)} wants: it holds a percent sign that escapes nothing`,
      hint: "every request is answered 500; write a percent sign as %25",
    });
  }
  if (replacePathRegex !== undefined) {
    const type = { $case: "replacePathRegex", value: { ...replacePathRegex } } as const;
    const { regex } = replacePathRegex;
    return mistakenRegexp(key, "replacePathRegex.regex", regex) ?? usable(type);
  }
  return undefined;
}

/** What answers, or lets the request pass as it is. */
function compileGuard(key: ObjectKey, config: HttpMiddlewareConfig): CompiledContent | undefined {
  const { redirectRegex, redirectScheme, encodedCharacters, basicAuth } = config;
  if (redirectRegex !== undefined) {
    const type = { $case: "redirectRegex", value: { ...redirectRegex } } as const;
    return mistakenRegexp(key, "redirectRegex.regex", redirectRegex.regex) ?? usable(type);
  }
  if (redirectScheme !== undefined) {
    const { scheme, port } = redirectScheme;
    if (scheme === "") {
      const message = `Cannot use ${describeObject(key)}: redirectScheme needs a scheme`;
      return invalid("invalid-value", message);
    }
    if (!/^[A-Za-z][\dA-Za-z+.-]*$/.test(scheme)) {
      return mistaken(key, "redirectScheme.scheme", scheme, "expected a scheme like https");
    }
    if (port !== "" && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
      return mistaken(key, "redirectScheme.port", port, "expected a number from 1 to 65535");
    }
    return usable({ $case: "redirectScheme", value: { ...redirectScheme } });
  }
  if (encodedCharacters !== undefined) {
    return usable({ $case: "encodedCharacters", value: { ...encodedCharacters } });
  }
  return basicAuth && compileBasicAuth(key, basicAuth);
}

function usable(
  type: NonNullable<HttpMiddleware["type"]>,
  ...problems: readonly Problem[]
): CompiledContent {
  return { kind: "usable", body: { $case: "httpMiddleware", value: { type } }, problems };
}

function mistakenRegexp(
  key: ObjectKey,
  path: string,
  ...expressions: readonly string[]
): CompiledContent | undefined {
  for (const expression of expressions) {
    const reason = regexpProblem(expression.trim());
    if (reason === undefined) continue;
    return mistaken(key, path, expression, `invalid regular expression: ${shownText(reason)}`);
  }
  return undefined;
}

function mistaken(key: ObjectKey, path: string, value: string, reason: string): CompiledContent {
  const message = `Cannot use ${describeObject(key)}: invalid value "${shownValue(value)}" for ${path}: ${reason}`;
  return invalid("invalid-value", message, { field: path.split(".") });
}

/** Names are shown, values never: they may be credentials. */
function headerProblem(list: string, edits: ReadonlyMap<string, string>): string | undefined {
  for (const [name, value] of edits) {
    const shown = shownText(name);
    if (!isHeaderName(name)) {
      return `"${shown}" in headers.${list} is no header name: letters, digits and !#$%&'*+-.^_\`|~ are valid`;
    }
    if (/(?!\t)\p{Cc}/u.test(value)) {
      return `the value of "${shown}" in headers.${list} holds a control character`;
    }
  }
  return undefined;
}

/** Sorted by code units, so that the order of the source does not show. */
function sortedEdits(edits: ReadonlyMap<string, string>): HeaderEdit[] {
  return [...edits]
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

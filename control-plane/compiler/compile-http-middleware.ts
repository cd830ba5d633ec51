import type { HttpMiddlewareConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { HeaderEdit, HttpMiddleware } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { type CompiledContent, invalid } from "./compiled-content.ts";
import { describeObject } from "./describe-object.ts";

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
  return invalid("invalid-value", `Cannot use ${describeObject(key)}: it has no type`);
}

function usable(type: NonNullable<HttpMiddleware["type"]>): CompiledContent {
  return {
    kind: "usable",
    body: { $case: "httpMiddleware", value: { type } },
    problems: [],
  };
}

const tokenPattern = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;

/** Names are shown, values never: they may be credentials. */
function headerProblem(list: string, edits: ReadonlyMap<string, string>): string | undefined {
  for (const [name, value] of edits) {
    const shown = shownText(name);
    if (!tokenPattern.test(name)) {
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

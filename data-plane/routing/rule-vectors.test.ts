import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultRulePriority } from "../../config-model/rule/rule-priority.ts";
import { ruleOf } from "../../test/support/data-plane-resources.ts";
import { vectors } from "../../test/support/vectors.ts";
import { canonicalHost } from "../http/canonical-host.ts";
import { HeaderList } from "../http/header-list.ts";
import { normalisePath, routingPathOf } from "../http/request-path.ts";
import { Placement, placementKeys } from "./placement.ts";
import type { RequestFacts } from "./request-facts.ts";
import { compactPriority, type Route } from "./route.ts";
import { RoutingIndex } from "./routing-index.ts";

interface VectorRequest {
  readonly method?: string;
  readonly url?: string;
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly headerNamesVerbatim?: boolean;
  readonly remoteAddr?: string;
  readonly expectedStatus: number;
}

interface RuleVector {
  readonly source: string;
  readonly rule: string;
  readonly expectedError: boolean;
  readonly requests: readonly VectorRequest[];
}

interface PriorityVector {
  readonly source: string;
  readonly providersPrecedence?: readonly string[];
  readonly routes?: readonly {
    readonly name: string;
    readonly rule: string;
    readonly priority: number;
    readonly provider: string;
  }[];
  readonly request?: { readonly method: string; readonly path: string };
  readonly expectedWinner?: string;
}

/** The URL is taken apart by hand: a URL class would turn hosts into punycode. */
function factsOf(request: VectorRequest): RequestFacts {
  const url = request.url ?? /^\S+ (\S+)/.exec(request.raw ?? "")?.[1] ?? "";
  const [, authority = "", path = "", query = ""] =
    /^https?:\/\/([^/?]*)([^?]*)(\?.*)?$/.exec(url) ?? [];
  const requestHeaders = new HeaderList();
  for (const [name, values] of Object.entries(request.headers ?? {})) {
    for (const value of values) requestHeaders.append(name, value);
  }
  return {
    method: request.method ?? "GET",
    host: canonicalHost(authority),
    routingPath: routingPathOf(normalisePath(path === "" ? "/" : path) ?? ""),
    query,
    requestHeaders,
    peerAddress: request.remoteAddr ?? "127.0.0.1",
  };
}

function indexOf(routes: readonly { readonly route: Route; readonly rule: string }[]) {
  const index = new RoutingIndex<Route>();
  for (const { route, rule } of routes) {
    for (const key of placementKeys(ruleOf(rule))) index.add(new Placement(route, key));
  }
  return index;
}

for (const { source, rule, expectedError, requests } of vectors<RuleVector>("http-rules")) {
  // Names of header fields are canonical once they came through a connection.
  const applicable = requests.filter(({ headerNamesVerbatim }) => headerNamesVerbatim !== true);
  if (expectedError || applicable.length === 0) continue;
  test(`routing by ${rule} (${source})`, () => {
    const index = indexOf([{ route: { name: "r", priority: 1, precedence: 0 }, rule }]);
    for (const request of applicable) {
      const status = index.find(factsOf(request)) === undefined ? 404 : 200;
      assert.equal(status, request.expectedStatus, `${request.url ?? request.raw}`);
    }
  });
}

for (const vector of vectors<PriorityVector>("http-priority")) {
  const { source, routes, request, providersPrecedence = [], expectedWinner } = vector;
  if (routes === undefined || request === undefined) continue;
  test(`the winner of equal routes is ${expectedWinner} (${source})`, () => {
    const rank = (provider: string) => {
      const index = providersPrecedence.indexOf(provider);
      return index === -1 ? providersPrecedence.length : index;
    };
    const index = indexOf(
      routes.map(({ name, rule, priority, provider }) => {
        const effective =
          priority === 0 ? defaultRulePriority(rule, ruleOf(rule)) : BigInt(priority);
        const route = { name, priority: compactPriority(effective), precedence: rank(provider) };
        return { route, rule };
      }),
    );
    const facts = factsOf({ url: `http://a.test${request.path}`, expectedStatus: 200 });
    assert.equal(index.find(facts)?.name, expectedWinner);
  });
}

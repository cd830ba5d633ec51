import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultRulePriority } from "../../config-model/rule/rule-priority.ts";
import { ruleOf } from "../../test/support/data-plane-resources.ts";
import { boundTcpRouter } from "../../test/support/tcp-routers.ts";
import { vectors } from "../../test/support/vectors.ts";
import type { ConnectionFacts } from "./connection-facts.ts";
import { TcpRouteTable } from "./tcp-router.ts";

interface VectorConnection {
  readonly serverName?: string;
  readonly serverNameVerbatim?: boolean;
  readonly alpn?: readonly string[];
  readonly remoteIP?: string;
  readonly remoteAddr?: string;
}

interface RuleVector {
  readonly source: string;
  readonly rule: string;
  readonly expectedError: boolean;
  readonly connections: readonly (VectorConnection & {
    readonly match: boolean;
    readonly catchAll?: boolean;
  })[];
}

interface PriorityVector {
  readonly source: string;
  readonly providersPrecedence?: readonly string[];
  readonly routes?: readonly {
    readonly rule: string;
    readonly priority?: number;
    readonly provider?: string;
  }[];
  readonly connection?: VectorConnection;
  readonly expectedRule?: string;
  readonly expectedProvider?: string;
}

/** A name that is not said to be verbatim is what a connection makes of it. */
function factsOf(connection: VectorConnection): ConnectionFacts {
  const { serverName = "", remoteIP, remoteAddr = "192.0.2.1:80" } = connection;
  return {
    serverName: connection.serverNameVerbatim === true ? serverName : serverName.toLowerCase(),
    alpnProtocols: connection.alpn ?? [],
    peerAddress: remoteIP ?? remoteAddr.slice(0, remoteAddr.lastIndexOf(":")),
  };
}

interface Candidate {
  readonly name: string;
  readonly rule: string;
  readonly priority: bigint;
  readonly precedence: number;
}

function tableOf(candidates: readonly Candidate[]): TcpRouteTable {
  const table = new TcpRouteTable();
  for (const candidate of candidates) table.add(boundTcpRouter(candidate));
  return table;
}

for (const { source, rule, expectedError, connections } of vectors<RuleVector>("tcp-rules")) {
  if (expectedError) continue; // config-model/rule says why
  test(`connections by ${rule} (${source})`, () => {
    const priority = defaultRulePriority(rule, ruleOf(rule, "tcp"));
    const table = tableOf([{ name: "r", rule, priority, precedence: 0 }]);
    for (const connection of connections) {
      const found = table.find(factsOf(connection)) !== undefined;
      assert.equal(found, connection.match, JSON.stringify(connection));
      // What is exactly the catch-all comes after everything else.
      if (connection.catchAll !== undefined) assert.equal(priority === -1n, connection.catchAll);
    }
  });
}

for (const vector of vectors<PriorityVector>("tcp-priority")) {
  const { source, routes, connection, providersPrecedence = [], expectedProvider } = vector;
  if (routes === undefined || connection === undefined) continue;
  test(`the winner is ${vector.expectedRule} of "${expectedProvider}" (${source})`, () => {
    const candidates = routes.map(({ rule, priority, provider = "" }) => {
      const rank = providersPrecedence.indexOf(provider);
      return {
        name: `${rule} ${provider}`,
        rule,
        priority:
          priority === undefined
            ? defaultRulePriority(rule, ruleOf(rule, "tcp"))
            : BigInt(priority),
        precedence: rank === -1 ? providersPrecedence.length : rank,
      };
    });
    for (const order of [candidates, candidates.toReversed()]) {
      const winner = tableOf(order).find(factsOf(connection));
      assert.equal(winner?.name, `${vector.expectedRule} ${expectedProvider}`);
    }
  });
}

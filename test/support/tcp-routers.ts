/** TCP routers and connections, with only what a test cares about to say. */
import { defaultRulePriority } from "../../config-model/rule/rule-priority.ts";
import { compactPriority } from "../../data-plane/routing/route.ts";
import { Cell } from "../../data-plane/switcher/cell.ts";
import type { ConnectionFacts } from "../../data-plane/tcp/connection-facts.ts";
import { compileConnectionRule } from "../../data-plane/tcp/connection-rule.ts";
import { demandedServerNames } from "../../data-plane/tcp/demanded-server-names.ts";
import { closeAtOnce } from "../../data-plane/tcp/tcp-handler.ts";
import { TcpRouter } from "../../data-plane/tcp/tcp-router.ts";
import { ruleOf } from "./data-plane-resources.ts";

export function connectionFacts(fields: Partial<ConnectionFacts> = {}): ConnectionFacts {
  return { serverName: "", alpnProtocols: [], peerAddress: "192.0.2.1", ...fields };
}

interface TcpRouterFields {
  readonly name: string;
  readonly rule: string;
  readonly priority?: bigint;
  readonly precedence?: number;
}

export function boundTcpRouter({ name, rule: text, ...fields }: TcpRouterFields): TcpRouter {
  const rule = ruleOf(text, "tcp");
  const plan = {
    name,
    fingerprint: "",
    priority: compactPriority(fields.priority ?? defaultRulePriority(text, rule)),
    precedence: fields.precedence ?? 0,
    entryPoints: ["web"],
    matches: compileConnectionRule(rule),
    serverNames: demandedServerNames(rule),
    isCatchAll: false,
    service: "s",
    tls: undefined,
  };
  return new TcpRouter(plan, new Cell("s", closeAtOnce));
}

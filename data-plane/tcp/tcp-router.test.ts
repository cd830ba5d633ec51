import assert from "node:assert/strict";
import { test } from "node:test";
import { ruleOf } from "../../test/support/data-plane-resources.ts";
import { Cell } from "../switcher/cell.ts";
import { closeAtOnce } from "./tcp-handler.ts";
import { TcpRouter, TcpRouteTable } from "./tcp-router.ts";
import { compileTcpRule } from "./tcp-rule.ts";

function router(name: string, rule: string, priority: number): TcpRouter {
  const matches = compileTcpRule(ruleOf(rule, "tcp"));
  const plan = {
    name,
    fingerprint: "",
    priority,
    precedence: 0,
    entryPoints: ["web"],
    matches,
    service: "s",
  };
  return new TcpRouter(plan, new Cell("s", closeAtOnce));
}

test("TcpRouteTable finds the first in order of priority that matches, and forgets what is removed", () => {
  const table = new TcpRouteTable();
  const all = router("all", "HostSNI(`*`)", -1);
  const local = router("local", "HostSNI(`*`) && ClientIP(`10.0.0.0/8`)", 40);
  const banned = router("banned", "ClientIP(`10.6.6.6`)", 50);
  for (const each of [all, banned, local]) table.add(each);
  assert.equal(table.find("192.0.2.1")?.name, "all");
  assert.equal(table.find("10.1.1.1")?.name, "local");
  assert.equal(table.find("::ffff:10.1.1.1")?.name, "local");
  assert.equal(table.find("10.6.6.6")?.name, "banned");
  table.remove(all);
  table.remove(banned);
  assert.equal(table.find("192.0.2.1"), undefined);
  assert.equal(table.find("10.6.6.6")?.name, "local");
});

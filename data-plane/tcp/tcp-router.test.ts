import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { boundTcpRouter, connectionFacts } from "../../test/support/tcp-routers.ts";
import { compareRoutes } from "../routing/route.ts";
import { type TcpRouter, TcpRouteTable } from "./tcp-router.ts";

test("TcpRouteTable finds the first in order of priority that matches, and forgets what is removed", () => {
  const table = new TcpRouteTable();
  const all = boundTcpRouter({ name: "all", rule: "HostSNI(`*`)" });
  const local = boundTcpRouter({
    name: "local",
    rule: "HostSNI(`*`) && ClientIP(`10.0.0.0/8`)",
    priority: 40n,
  });
  const banned = boundTcpRouter({ name: "banned", rule: "ClientIP(`10.6.6.6`)", priority: 50n });
  for (const each of [all, banned, local]) table.add(each);
  const from = (peerAddress: string) => table.find(connectionFacts({ peerAddress }))?.name;
  assert.equal(from("192.0.2.1"), "all");
  assert.equal(from("10.1.1.1"), "local");
  assert.equal(from("::ffff:10.1.1.1"), "local");
  assert.equal(from("10.6.6.6"), "banned");
  assert.equal(table.size, 3);
  table.remove(all);
  table.remove(banned);
  assert.equal(from("192.0.2.1"), undefined);
  assert.equal(from("10.6.6.6"), "local");
  assert.equal(table.size, 1);
});

test("TcpRouteTable looks at nothing but what may match a name", () => {
  const table = new TcpRouteTable();
  let looks = 0;
  for (let index = 0; index < 1_000; index += 1) {
    const router = boundTcpRouter({ name: `r${index}`, rule: `HostSNI(\`h${index}.test\`)` });
    const { matches } = router.plan;
    Object.assign(router.plan, {
      matches: (facts: Parameters<typeof matches>[0]) => {
        looks += 1;
        return matches(facts);
      },
    });
    table.add(router);
  }
  assert.equal(table.find(connectionFacts({ serverName: "h77.test" }))?.name, "r77");
  assert.equal(table.find(connectionFacts({ serverName: "other.test" })), undefined);
  assert.equal(looks, 1);
});

const names = ["", "a.test", "b.test", "x.a.test", "x.a.test.", "test", ".test"];
const patterns = ["*", "a.test", "b.test", "*.test", "*.a.test", "test"];

/** Nested all and any over matchers, some negated. */
function randomRule(random: SeededRandom, depth = 0): string {
  if (depth < 2 && random.below(2) === 0) {
    const parts = Array.from({ length: 2 + random.below(2) }, () => randomRule(random, depth + 1));
    return `(${parts.join(random.below(2) === 0 ? " && " : " || ")})`;
  }
  const not = random.below(5) === 0 ? "!" : "";
  return random.below(4) === 0
    ? `${not}ClientIP(\`10.0.0.0/8\`)`
    : `${not}HostSNI(\`${random.pick(patterns)}\`)`;
}

test("TcpRouteTable finds what a walk through all routers in order finds", () => {
  const random = new SeededRandom(7);
  const winners = new Set<string>();
  for (let round = 0; round < 400; round += 1) {
    const table = new TcpRouteTable();
    let all: TcpRouter[] = [];
    for (let edit = 0; edit < 12; edit += 1) {
      const rule = randomRule(random);
      const priority = BigInt(random.below(3) + 1);
      const router = boundTcpRouter({ name: `r${edit}`, rule, priority });
      table.add(router);
      all.push(router);
      const removed = random.below(3) === 0 ? random.pick(all) : undefined;
      if (removed !== undefined) {
        table.remove(removed);
        all = all.filter((other) => other !== removed);
      }
    }
    for (const serverName of names) {
      for (const peerAddress of ["10.0.0.1", "192.0.2.1"]) {
        const facts = connectionFacts({ serverName, peerAddress });
        const [expected] = all.filter(({ plan }) => plan.matches(facts)).toSorted(compareRoutes);
        assert.equal(table.find(facts), expected, `round ${round}, "${serverName}"`);
        winners.add(expected === undefined ? "none" : expected.name);
      }
    }
  }
  assert.equal(winners.size, 13, "every position wins somewhere, and none");
});

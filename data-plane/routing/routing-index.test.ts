import assert from "node:assert/strict";
import { test } from "node:test";
import { ruleOf } from "../../test/support/data-plane-resources.ts";
import { importMutated } from "../../test/support/mutated-modules.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { HeaderList } from "../http/header-list.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { Route } from "./route.ts";

// A decision's work is counted where it is done: slots and texts looked at, routes tried. Nothing of that is built in.
const counter = { steps: 0 };
Object.assign(globalThis, { routingSteps: counter });
const [placementModule, indexModule] = (await importMutated(
  [
    {
      file: "data-plane/routing/text-table.ts",
      replace: "const place = entries[slot * 2 + 1] ?? free;",
      by: "globalThis.routingSteps.steps += 1; const place = entries[slot * 2 + 1] ?? free;",
    },
    {
      file: "data-plane/routing/text-table.ts",
      replace: "const hash = text.hash(length);",
      by: "globalThis.routingSteps.steps += 1; const hash = text.hash(length);",
    },
    {
      file: "data-plane/routing/text-table.ts",
      replace: "const home = this.#hashAt(slot);",
      by: "globalThis.routingSteps.steps += 1; const home = this.#hashAt(slot);",
    },
    {
      file: "data-plane/routing/text-store.ts",
      replace: "const words = this.#words;",
      by: "globalThis.routingSteps.steps += 1; const words = this.#words;",
    },
    {
      file: "data-plane/routing/placement.ts",
      replace: "if (incumbent !== undefined && !this.isBefore(incumbent)) return incumbent;",
      by: "globalThis.routingSteps.steps += 1; if (incumbent !== undefined && !this.isBefore(incumbent)) return incumbent;",
    },
    {
      file: "data-plane/routing/sorted-placements.ts",
      replace: "const placement = placements[i];",
      by: "globalThis.routingSteps.steps += 1; const placement = placements[i];",
    },
  ],
  ["data-plane/routing/placement.ts", "data-plane/routing/routing-index.ts"],
)) as [typeof import("./placement.ts"), typeof import("./routing-index.ts")];

type CountedPlacement = InstanceType<typeof placementModule.Placement<Route>>;

function factsOf(fields: Partial<RequestFacts> = {}): RequestFacts {
  return {
    method: "GET",
    host: "a.test",
    routingPath: "/",
    query: "",
    requestHeaders: new HeaderList(),
    peerAddress: "10.0.0.1",
    ...fields,
  };
}

function placementsOf(name: string, text: string): readonly CountedPlacement[] {
  const route = { name, priority: text.length, precedence: 0 };
  return placementModule
    .placementKeys(ruleOf(text))
    .map((key) => new placementModule.Placement<Route>(route, key));
}

/** Of equal length whatever the number of routers: a decision looks as often as there are different lengths. */
function digits(number: number): string {
  return String(number).padStart(6, "0");
}

const shapes = [
  (i: string) => ({
    rule: `Host(\`h${i}.test\`) && PathPrefix(\`/api\`)`,
    request: { host: `h${i}.test`, routingPath: "/api/x" },
  }),
  (i: string) => ({
    rule: `Host(\`*.w${i}.test\`)`,
    request: { host: `any.w${i}.test`, routingPath: "/" },
  }),
  (i: string) => ({
    rule: `Host(\`one.test\`) && PathPrefix(\`/tenant-${i}/\`)`,
    request: { host: "one.test", routingPath: `/tenant-${i}/x` },
  }),
  (i: string) => ({
    rule: `Path(\`/exact/${i}\`)`,
    request: { host: "nowhere.test", routingPath: `/exact/${i}` },
  }),
] as const;

class CountedIndex {
  readonly #count: number;
  readonly #index = new indexModule.RoutingIndex<Route>();
  readonly #placements: (readonly CountedPlacement[])[] = [];

  constructor(count: number) {
    this.#count = count;
    for (let i = 0; i < count; i += 1) {
      const placements = placementsOf(`r${i}`, this.#shapeOf(i).rule);
      for (const placement of placements) this.#index.add(placement);
      this.#placements.push(placements);
    }
  }

  #shapeOf(index: number): ReturnType<(typeof shapes)[number]> {
    const shape = shapes[index % shapes.length];
    assert(shape !== undefined);
    return shape(digits(index));
  }

  stepsToFind(random: SeededRandom): number {
    const chosen = random.below(this.#count);
    const facts = factsOf(this.#shapeOf(chosen).request);
    counter.steps = 0;
    const found = this.#index.find(facts);
    assert.equal(found?.name, `r${chosen}`);
    return counter.steps;
  }

  stepsToFindNothing(random: SeededRandom): number {
    const i = digits(this.#count + random.below(100_000));
    counter.steps = 0;
    assert.equal(
      this.#index.find(factsOf({ host: `${i}.x.test`, routingPath: `/${i}` })),
      undefined,
    );
    return counter.steps;
  }

  stepsToChange(random: SeededRandom): number {
    const placements = this.#placements[random.below(this.#count)] ?? [];
    counter.steps = 0;
    for (const placement of placements) this.#index.remove(placement);
    for (const placement of placements) this.#index.add(placement);
    return counter.steps;
  }
}

test("RoutingIndex takes as many steps for a decision, or a change, among 100,000 routers as among 1,000", (t) => {
  const [small, large] = [new CountedIndex(1_000), new CountedIndex(100_000)];
  for (const [what, steps] of [
    ["find", (index, random) => index.stepsToFind(random)],
    ["find nothing", (index, random) => index.stepsToFindNothing(random)],
    ["change one", (index, random) => index.stepsToChange(random)],
  ] as const satisfies readonly (readonly [
    string,
    (index: CountedIndex, random: SeededRandom) => number,
  ])[]) {
    const [before, after] = [small, large].map((index) => {
      const random = new SeededRandom(5);
      const samples = Array.from({ length: 4_000 }, () => steps(index, random));
      const mean = samples.reduce((sum, each) => sum + each, 0) / samples.length;
      return { mean, most: Math.max(...samples) };
    });
    assert(before !== undefined && after !== undefined);
    t.diagnostic(`to ${what}: ${JSON.stringify({ before, after })}`);
    // Tables are between a quarter and half full, which is all that makes a difference.
    assert(after.mean <= before.mean * 1.3 + 0.5, `${what}: ${before.mean} became ${after.mean}`);
    assert(after.most <= 250, `${what}: ${after.most} steps`);
  }
});

test("RoutingIndex is empty again after everything was removed", () => {
  const index = new indexModule.RoutingIndex<Route>();
  const placements = Array.from({ length: 30 }, (_, i) =>
    placementsOf(
      `r${i}`,
      `(Host(\`a.test\`) || Host(\`*.a.test\`)) && PathPrefix(\`/p${i % 7}/${i}\`)`,
    ),
  ).flat();
  for (const placement of placements) index.add(placement);
  assert.equal(index.find(factsOf({ host: "x.a.test", routingPath: "/p1/1" }))?.name, "r1");
  for (const placement of placements) index.remove(placement);
  for (const host of ["a.test", "x.a.test"]) {
    assert.equal(index.find(factsOf({ host, routingPath: "/p1/1" })), undefined);
  }
});

test("RoutingIndex finds hosts and paths of thousands of characters", () => {
  const index = new indexModule.RoutingIndex<Route>();
  const host = `${"h".repeat(3_000)}.test`;
  const path = `/${"p".repeat(5_001)}`;
  for (let i = 0; i < 12; i += 1) {
    const rule = `(Host(\`${host}\`) || Host(\`*.${host}\`)) && PathPrefix(\`${path}${i}\`)`;
    for (const placement of placementsOf(`r${i}`, rule)) index.add(placement);
  }
  const nameFor = (facts: Partial<RequestFacts>) => index.find(factsOf(facts))?.name;
  assert.equal(nameFor({ host, routingPath: `${path}7/x` }), "r7");
  assert.equal(nameFor({ host: `a.${host}`, routingPath: `${path}11` }), "r11");
  assert.equal(nameFor({ host: `a.b.${host}`, routingPath: `${path}11` }), undefined);
  assert.equal(nameFor({ host: `${"a".repeat(9_000)}.${host}`, routingPath: `${path}3` }), "r3");
  assert.equal(nameFor({ host, routingPath: path }), undefined);
});

test("RoutingIndex forgets nothing when an index used in between sees the same host", () => {
  const [outer, inner] = [
    new indexModule.RoutingIndex<Route>(),
    new indexModule.RoutingIndex<Route>(),
  ];
  for (let i = 0; i < 20; i += 1) {
    for (const [index, name] of [
      [outer, "outer"],
      [inner, "inner"],
    ] as const) {
      const rule = `Host(\`a.test\`) && PathPrefix(\`/${i}/\`)`;
      for (const placement of placementsOf(`${name}-${i}`, rule)) index.add(placement);
    }
  }
  for (let i = 0; i < 20; i += 1) {
    const facts = factsOf({ routingPath: `/${i}/x` });
    assert.equal(outer.find(facts)?.name, `outer-${i}`);
    assert.equal(inner.find(facts)?.name, `inner-${i}`);
  }
});

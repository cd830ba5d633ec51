/** Traefik's multi-layer routers and what it says of broken ones, through all stages up to the snapshot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { entryPoint } from "../support/dynamic-config.ts";
import { DynamicPipeline } from "../support/dynamic-pipeline.ts";
import { vectors } from "../support/vectors.ts";

type Routers = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface TreeVector {
  readonly kind: "tree";
  readonly source: string;
  readonly routers: Routers;
  readonly expectedStatuses: Readonly<Record<string, "enabled" | "disabled" | "warning">>;
  readonly expectedChildRefs: Readonly<Record<string, readonly string[] | null>>;
  readonly expectedErrors: Readonly<Record<string, readonly string[]>>;
}

interface ErrorsVector {
  readonly kind: "runtimeErrors";
  readonly source: string;
  readonly protocol: "http" | "tcp" | "udp";
  readonly routers: Routers;
  readonly services: unknown;
  readonly middlewares?: unknown;
  readonly expectedErrorCount: number;
}

const all = vectors<TreeVector | ErrorsVector | { readonly kind: "" }>("router-tree");

/** How we say what Traefik says. */
function ourSentence(theirs: string): RegExp {
  const known: readonly (readonly [RegExp, (found: RegExpMatchArray) => string])[] = [
    [/^non-root router cannot have (\w+) configuration$/, ([, key = ""]) => lowerFirst(key)],
    [
      /^parent router "(.*)" does not exist$/,
      ([, name]) => `parent router "${name}@file" does not`,
    ],
    [/^router is not reachable$/, () => "does not exist|no way leads to"],
    [/^cyclic reference .*: (.*)$/, ([, path = ""]) => path.replaceAll(/\b(\w)\b/g, "$1@file")],
  ];
  for (const [pattern, sentence] of known) {
    const found = pattern.exec(theirs);
    if (found !== null) return new RegExp(sentence(found));
  }
  throw new Error(`No sentence of ours is known for: ${theirs}`);
}

function lowerFirst(key: string): string {
  return `"${key === "TLS" ? "tls" : key.charAt(0).toLowerCase() + key.slice(1)}"`;
}

const trees = all.filter((vector): vector is TreeVector => vector.kind === "tree");
assert.ok(trees.length > 5);
for (const vector of trees) {
  test(`tree: ${vector.source}`, () => {
    const pipeline = new DynamicPipeline(["file"], { web: entryPoint(80) });
    const { routers, services } = filledIn(vector.routers);
    pipeline.feed("file", { http: { routers, services } });
    const statusOf = (name: string) => {
      if (!pipeline.bodies.has(`httpRouter:${name}@file`)) return "disabled";
      return pipeline.saidOf("httpRouter", `${name}@file`).length > 0 ? "warning" : "enabled";
    };
    for (const [name, expected] of Object.entries(vector.expectedStatuses)) {
      const children = vector.expectedChildRefs[name] ?? [];
      const hasServing = children.some((child) => vector.expectedStatuses[child] !== "disabled");
      // Traefik finds out in its next stage that such a router has nothing to hand over to.
      const isBarren = children.length > 0 && !hasServing;
      assert.equal(statusOf(name), isBarren ? "disabled" : expected, name);
      for (const child of children) {
        const body = pipeline.bodies.get(`httpRouter:${child}@file`);
        if (vector.expectedStatuses[child] === "disabled") continue;
        assert.equal(body?.$case, "httpRouter");
        assert.ok(body.value.parents.includes(`${name}@file`), `${child} is behind ${name}`);
      }
    }
    for (const [id, body] of pipeline.bodies) {
      if (body.$case !== "httpRouter") continue;
      for (const parent of body.value.parents) {
        const children = vector.expectedChildRefs[parent.replace("@file", "")];
        if (children) assert.ok(children.includes(id.slice(11).replace("@file", "")), id);
      }
    }
    for (const [name, errors] of Object.entries(vector.expectedErrors)) {
      const said = pipeline.saidOf("httpRouter", `${name}@file`).map(({ message }) => message);
      for (const error of errors) assert.match(said.join("\n"), ourSentence(error));
    }
  });
}

/** The vectors leave out rules and services, which they do not look at. */
function filledIn(given: Routers) {
  const services: Record<string, unknown> = {};
  const routers = Object.entries(given).map(([name, router]) => {
    const { service } = router;
    if (typeof service === "string") {
      services[service] = { loadBalancer: { servers: [{ url: "http://10.0.0.1" }] } };
    }
    // An empty section of a file says nothing.
    const observability = router["observability"] ? { metrics: true } : undefined;
    return [name, { rule: "PathPrefix(`/`)", ...router, ...(observability && { observability }) }];
  });
  return { routers: Object.fromEntries(routers), services };
}

const errors = all.filter((vector): vector is ErrorsVector => vector.kind === "runtimeErrors");
assert.ok(errors.length > 8);
for (const vector of errors) {
  test(`errors: ${vector.source}`, () => {
    const { protocol, routers, services, middlewares } = vector;
    const web = entryPoint(80, { protocol: protocol === "udp" ? "udp" : "tcp" });
    const pipeline = new DynamicPipeline(["file"], { web });
    const qualified = Object.entries(routers).map(([name, router]) => [name, withoutNull(router)]);
    pipeline.feed("file", {
      [protocol]: {
        routers: Object.fromEntries(qualified),
        services: withoutPort(services),
        ...(middlewares ? { middlewares } : {}),
      },
    });
    assert.equal(pipeline.broken.length, vector.expectedErrorCount, pipeline.broken.join(", "));
  });
}

function withoutNull(fields: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** `Port` is filled in by providers of Traefik's and cannot be written. */
function withoutPort(services: unknown): unknown {
  return JSON.parse(JSON.stringify(services, (key, value) => (key === "Port" ? undefined : value)));
}

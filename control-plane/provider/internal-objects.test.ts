import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKind } from "../../config-model/dynamic/object-key.ts";
import { loadStaticConfiguration } from "../../config-model/static/load-static-configuration.ts";
import { vectors } from "../../test/support/vectors.ts";
import { internalObjects } from "./internal-objects.ts";

type Tree = Readonly<Record<string, unknown>>;

interface Vector {
  readonly source: string;
  readonly static: Tree & { readonly entryPoints?: Readonly<Record<string, EntryPoint>> };
  readonly expected: { readonly http: Readonly<Record<string, Tree>> };
}

type EntryPoint = Tree & {
  readonly http?: Tree & { readonly redirections?: { readonly entryPoint: Tree } };
};

/** Objects of what is not built; test/vectors/README.md says so. */
const unbuilt = new Set(["api", "dashboard", "ping", "prometheus", "rest", "acme-http"]);

/** The vectors' structs are not filled with defaults: what they leave out is zero there. */
function withoutDefaults(entryPoints: Readonly<Record<string, EntryPoint>> = {}) {
  return Object.fromEntries(
    Object.entries(entryPoints).map(([name, entryPoint]) => {
      const redirection = entryPoint.http?.redirections?.entryPoint;
      const redirections = { entryPoint: { priority: 0, ...redirection } };
      const http = redirection && { http: { ...entryPoint.http, redirections } };
      return [name, { address: ":443", ...entryPoint, ...http }];
    }),
  );
}

function objectsOf(given: Tree): ReadonlyMap<string, DynamicObject> {
  const { configuration } = loadStaticConfiguration({
    flags: ["--configFile=s.yml"],
    env: {},
    readFile: () => JSON.stringify(given),
    resolvePath: (path) => path,
  });
  return new Map(
    internalObjects(configuration).flatMap(({ key, object }) => {
      return object?.config === undefined ? [] : [[`${key.kind}:${key.name}`, object.config]];
    }),
  );
}

describe("internalObjects() as in Traefik", () => {
  for (const { source, static: given, expected } of vectors<Vector>("internal-provider")) {
    const { entryPoints, ...others } = given;
    const objects = objectsOf(
      entryPoints === undefined ? others : { ...others, entryPoints: withoutDefaults(entryPoints) },
    );
    const named = (kind: ObjectKind, list: string) => {
      const prefix = `${kind}:`;
      const names = [...objects.keys()].filter((id) => id.startsWith(prefix));
      const wanted = Object.entries(expected.http[list] ?? {}).filter(
        ([name]) => !unbuilt.has(name),
      );
      assert.deepEqual(new Set(names), new Set(wanted.map(([name]) => `${prefix}${name}`)));
      return wanted.map(([name, tree]) => [objects.get(`${prefix}${name}`), tree as Tree] as const);
    };

    test(source, () => {
      for (const [service] of named("httpService", "services")) {
        assert.ok(service?.kind === "httpService" && service.noop);
      }
      for (const [middleware, { redirectScheme }] of named("httpMiddleware", "middlewares")) {
        assert.ok(middleware?.kind === "httpMiddleware");
        assert.deepEqual(middleware.redirectScheme, redirectScheme);
      }
      for (const [router, { entryPoints, middlewares, service, rule }] of named(
        "httpRouter",
        "routers",
      )) {
        assert.ok(router?.kind === "httpRouter");
        assert.deepEqual(
          [router.entryPoints, router.middlewares, `${router.service}@internal`, router.rule],
          [entryPoints, middlewares, service, rule],
        );
        assert.equal(router.priority, 0n);
      }
      for (const [name, model] of Object.entries(expected.http["models"] ?? {})) {
        const { middlewares, tls } = model as { middlewares: unknown; tls: { options: unknown } };
        const entryPoint = objects.get(`entryPoint:${name}`);
        assert.ok(entryPoint?.kind === "entryPoint");
        assert.deepEqual(entryPoint.http, { middlewares, tls: { options: tls.options } });
      }
    });
  }
});

test("a redirection outranks every router of a user unless it says otherwise", () => {
  const redirected = (rest: Tree) => {
    const redirections = { entryPoint: { to: ":443", ...rest } };
    const objects = objectsOf({ entryPoints: { web: { address: ":80", http: { redirections } } } });
    const router = objects.get("httpRouter:web-to-443");
    return router?.kind === "httpRouter" ? router.priority : undefined;
  };
  assert.equal(redirected({}), 2n ** 63n - 2n);
  assert.equal(redirected({ priority: 10 }), 10n);
});

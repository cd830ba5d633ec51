/** Traefik's multi-layer routers, from the configuration to answers at a socket. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { ServedConfiguration } from "../support/served-configuration.ts";
import { vectors } from "../support/vectors.ts";

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface RequestVector {
  readonly source: string;
  readonly kind: string;
  /** Of `childMuxer`: what is behind the parent. */
  readonly childRefs?: readonly string[];
  /** Of `childRouters`: the parent by itself. */
  readonly router?: { readonly Router: Readonly<Record<string, unknown>> } | null;
  readonly routers: Sections | null;
  readonly services?: Sections;
  readonly middlewares: Sections | null;
  readonly request?: { readonly method: string; readonly url: string };
  readonly expectedStatus?: number;
  readonly expectedRequestHeaders?: Readonly<Record<string, string>>;
  readonly expectedError?: string | null;
  readonly requests?: readonly { readonly path: string; readonly expectedStatus: number }[];
}

/** Asked where the vector asks nothing. */
const furtherRequests: Readonly<Record<string, RequestVector["requests"]>> = {
  "pkg/server/router/router_test.go:TestManager_BuildHandlers_WithChildRouters#L1869": [
    { path: "/api/v1", expectedStatus: 200 },
    { path: "/web/index", expectedStatus: 200 },
    { path: "/api", expectedStatus: 404 },
    { path: "/web/v1", expectedStatus: 404 },
  ],
};

const kinds = new Set(["childMuxer", "childRouters", "request"]);

/** `name@provider` belongs to that provider, every other name to "file". */
function byProvider(vector: RequestVector, originUrl: string): Record<string, unknown> {
  const said: Record<string, { readonly http: Record<string, Record<string, unknown>> }> = {};
  const put = (section: string, qualified: string, content: unknown) => {
    const [name = "", provider = "file"] = qualified.split("@");
    const { http } = said[provider] ?? { http: {} };
    http[section] = { ...http[section], [name]: content };
    said[provider] = { http };
  };
  const parent = { rule: "PathPrefix(`/`)" };
  if (vector.kind === "childMuxer") put("routers", "parent", parent);
  if (vector.router) put("routers", "parent", vector.router.Router);
  for (const [name, router] of Object.entries(vector.routers ?? {})) {
    const isChild = vector.childRefs?.includes(name) === true;
    put("routers", name, isChild ? { parentRefs: ["parent"], ...router } : router);
    // Only vectors of requests say what their services are.
    const { service } = router;
    if (vector.services === undefined && typeof service === "string") {
      put("services", service, { loadBalancer: { servers: [{ url: originUrl }] } });
    }
  }
  for (const [name, service] of Object.entries(vector.services ?? {})) {
    put("services", name, JSON.parse(JSON.stringify(service).replaceAll("<up>", originUrl)));
  }
  for (const [name, middleware] of Object.entries(vector.middlewares ?? {})) {
    put("middlewares", name, middleware);
  }
  return said;
}

describe("router-tree.json over a socket", async () => {
  const served = await ServedConfiguration.start();
  after(() => served[Symbol.asyncDispose]());
  let asked = 0;

  for (const vector of vectors<RequestVector>("router-tree")) {
    if (!kinds.has(vector.kind)) continue;
    const { source, kind, request, expectedStatus, expectedError } = vector;
    test(`${kind}: ${source}`, async () => {
      const pipeline = await served.serve(byProvider(vector, served.originUrl));
      if (expectedError) {
        assert.notEqual(pipeline.broken.length, 0, "what is wrong is said");
        const { status } = await served.ask({ target: "/api" });
        assert.equal(status, 404);
        return;
      }
      for (const { path, expectedStatus: expected } of [
        ...(vector.requests ?? []),
        ...(furtherRequests[source] ?? []),
      ]) {
        asked += 1;
        assert.equal((await served.ask({ target: path })).status, expected, path);
      }
      if (request === undefined) return;
      asked += 1;
      const [, host = "", target = ""] = /^http:\/\/([^/]*)(.*)$/.exec(request.url) ?? [];
      const { status, sent } = await served.ask({ method: request.method, target, host });
      assert.equal(status, expectedStatus);
      // What was refused on its way went nowhere.
      const headers = status === 401 ? {} : (vector.expectedRequestHeaders ?? {});
      for (const [name, value] of Object.entries(headers)) {
        assert.equal(sent.includes(`${name}: `), value !== "", name);
      }
    });
  }

  test("the vectors asked for something", () => assert(asked >= 15, `${asked} requests`));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { deniedCharacters } from "../../config-model/dynamic/denied-characters.ts";
import type { BasicAuth, HttpMiddleware } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import {
  headerMap,
  RecordedExchange,
  type RecordedRequest,
} from "../../test/support/recorded-exchange.ts";
import { until } from "../../test/support/until.ts";
import { vectors } from "../../test/support/vectors.ts";
import { planMiddleware } from "../builder/plan-middleware.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import { decodedPath } from "../http/request-path.ts";

interface MiddlewareVector {
  readonly source: string;
  readonly middleware: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly request?: {
    readonly method: string;
    readonly url?: string;
    readonly target?: string;
    readonly tls?: boolean;
    readonly headers?: Readonly<Record<string, readonly string[]>>;
    /** User and password. */
    readonly basicAuth?: readonly [string, string];
  };
  readonly upstream?: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, readonly string[]>>;
  };
  readonly expected: {
    readonly buildError?: boolean;
    readonly status?: number;
    readonly location?: string | null;
    readonly headers?: Readonly<Record<string, string>>;
    readonly exactHeaders?: Readonly<Record<string, readonly string[] | null>>;
    readonly upstreamRequest?: {
      readonly requestURI?: string;
      readonly path?: string;
      readonly rawPath?: string;
      readonly host?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly exactHeaders?: Readonly<Record<string, readonly string[] | null>>;
      readonly presentHeaders?: readonly string[];
      readonly absentHeaders?: readonly string[];
    };
  };
}

const builtOptions = new Set(["customRequestHeaders", "customResponseHeaders"]);

const text = (value: unknown) => (typeof value === "string" ? value : "");

/** Absent: of an option that is not built. */
function typeOf({ middleware, config }: MiddlewareVector): HttpMiddleware["type"] {
  const permanent = config["permanent"] === true;
  const rewrite = { regex: text(config["regex"]), replacement: text(config["replacement"]) };
  switch (middleware) {
    case "addPrefix":
      return { $case: "addPrefix", value: { prefix: String(config["prefix"]) } };
    case "stripPrefix":
      return { $case: "stripPrefix", value: { prefixes: config["prefixes"] as string[] } };
    case "headers": {
      if (!Object.keys(config).every((key) => builtOptions.has(key))) return undefined;
      const edits = (option: string) =>
        Object.entries((config[option] ?? {}) as Record<string, string>).map(([name, value]) => ({
          name,
          value,
        }));
      const [request, response] = [edits("customRequestHeaders"), edits("customResponseHeaders")];
      return { $case: "headers", value: { request, response } };
    }
    case "stripPrefixRegex":
      return { $case: "stripPrefixRegex", value: { regex: config["regex"] as string[] } };
    case "replacePath":
      return { $case: "replacePath", value: { path: text(config["path"]) } };
    case "replacePathRegex":
      return { $case: "replacePathRegex", value: rewrite };
    case "redirectRegex":
      return { $case: "redirectRegex", value: { ...rewrite, permanent } };
    case "redirectScheme": {
      // A field inside of Traefik, without a name in any configuration.
      if (config["ForcePermanentRedirect"] === true) return undefined;
      const value = { scheme: text(config["scheme"]), port: text(config["port"]), permanent };
      return { $case: "redirectScheme", value };
    }
    case "encodedCharacters": {
      const allowed = { ...nothingAllowed, ...config };
      return { $case: "encodedCharacters", value: { denied: deniedCharacters(allowed) } };
    }
    case "basicAuth":
      return basicAuthOf(config);
    default:
      return undefined;
  }
}

/** A file's lines come first, and the later of one name counts: the control plane's work. */
function basicAuthOf(config: MiddlewareVector["config"]): HttpMiddleware["type"] {
  const lines = text(config["usersFileContent"]).split("\n");
  const entries = [...lines.filter((line) => line.includes(":")), ...(config["users"] as string[])];
  const hashes = new Map(
    entries.map((entry) => {
      const [name = "", hash = ""] = entry.split(":");
      return [name, hash];
    }),
  );
  const value: BasicAuth = {
    users: Array.from(hashes, ([name, hash]) => ({ name, hash })),
    realm: text(config["realm"]) || "traefik",
    headerField: text(config["headerField"]),
    removeHeader: config["removeHeader"] === true,
  };
  return { $case: "basicAuth", value };
}

const nothingAllowed = {
  allowEncodedSlash: false,
  allowEncodedBackSlash: false,
  allowEncodedNullCharacter: false,
  allowEncodedSemicolon: false,
  allowEncodedPercent: false,
  allowEncodedQuestionMark: false,
  allowEncodedHash: false,
};

function pairsOf(headers: Readonly<Record<string, readonly string[]>> = {}) {
  return Object.entries(headers).flatMap(([name, values]) =>
    values.map((value) => [name, value] as const),
  );
}

function requestOf(request: NonNullable<MiddlewareVector["request"]>): RecordedRequest {
  const url = request.url ?? request.target ?? "/";
  const [, scheme, host = "a.test", path = "/"] =
    /^(?:(https?):\/\/([^/]*))?(\/.*)?$/.exec(url) ?? [];
  // A connection says by itself what these tests say in the URL.
  const isTls = request.tls === true || scheme === "https";
  const { basicAuth } = request;
  const credentials = basicAuth && Buffer.from(basicAuth.join(":")).toString("base64");
  const own = credentials === undefined ? [] : [["Authorization", `Basic ${credentials}`] as const];
  const headers = [...pairsOf(request.headers), ...own];
  return { method: request.method, host, path, isTls, headers };
}

function assertHeaders(
  actual: Readonly<Record<string, readonly string[]>>,
  expected: Readonly<Record<string, readonly string[] | null>> = {},
): void {
  for (const [name, values] of Object.entries(expected)) {
    assert.deepEqual(actual[name] ?? null, values, name);
  }
}

/** A request that travels always has a path, so where the whole URL was used the location has one too. */
function assertLocation(exchange: RecordedExchange, location: string | null | undefined): void {
  if (location === undefined) return;
  const withPath = location?.replace(/^(\w+:\/\/[^/]*)$/, "$1/");
  assert.equal(exchange.answerHeaders.get("location"), withPath ?? undefined);
}

/** Runs the handler before a service that does nothing; says whether the service was reached. */
async function run(handler: HttpHandler, exchange: RecordedExchange): Promise<boolean> {
  let reached = false;
  const service: HttpHandler = {
    handle() {
      reached = true;
    },
  };
  exchange.run([{ current: handler }], { current: service });
  await until("an outcome", () => reached || exchange.answer !== undefined);
  return reached;
}

let applied = 0;

for (const vector of vectors<MiddlewareVector>("middlewares")) {
  const { source, middleware, config, request, upstream, expected } = vector;
  const type = typeOf(vector);
  // Empty `headers` are refused by the control plane and built by nobody.
  if (type === undefined || (middleware === "headers" && Object.keys(config).length === 0))
    continue;
  applied += 1;
  test(`${middleware} ${JSON.stringify(config)} (${source})`, async () => {
    if (expected.buildError === true) {
      assert.throws(() => planMiddleware({ type }, "f"));
      return;
    }
    const handler = planMiddleware({ type }, "f").bind([]);
    if (request === undefined) return;
    const exchange = new RecordedExchange(requestOf(request));
    const reached = await run(handler, exchange);
    assert.equal(reached, expected.status === undefined || expected.status === 200);
    if (!reached) {
      assert.equal(exchange.answer?.status, expected.status);
      assertLocation(exchange, expected.location);
      for (const [name, value] of Object.entries(expected.headers ?? {})) {
        assert.equal(exchange.answerHeaders.get(name.toLowerCase()), value, name);
      }
      return;
    }
    const wanted = expected.upstreamRequest;
    if (wanted?.requestURI !== undefined) assert.equal(exchange.path, wanted.requestURI);
    if (wanted?.path !== undefined) {
      // An empty path is a slash once it travels.
      assert.equal(decodedPath(exchange.path), wanted.path || "/");
    }
    if (wanted?.rawPath) assert.equal(exchange.path, wanted.rawPath);
    if (wanted?.host !== undefined) assert.equal(exchange.requestHost, wanted.host);
    const sent = headerMap(exchange.requestHeaders);
    for (const [name, value] of Object.entries(wanted?.headers ?? {})) {
      // Over there a header that is absent reads as empty.
      assert.deepEqual(sent[name] ?? [""], [value]);
    }
    assertHeaders(sent, wanted?.exactHeaders);
    for (const name of wanted?.presentHeaders ?? []) assert.ok(sent[name] !== undefined, name);
    for (const name of wanted?.absentHeaders ?? []) assert.equal(sent[name], undefined, name);
    if (upstream === undefined) return;
    const head = exchange.editedHead(upstream.status, pairsOf(upstream.headers));
    assertHeaders(headerMap(head.headers), expected.exactHeaders);
  });
}

test("the middleware vectors were not all skipped", () => {
  assert(applied >= 79, `${applied} applied`);
});

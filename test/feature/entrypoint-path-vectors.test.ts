/** What an entry point makes of a path and of header names, from the configuration to bytes at a socket. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { deniedCharacters } from "../../config-model/dynamic/denied-characters.ts";
import type { EntryPointConfig } from "../../config-model/dynamic/dynamic-object.ts";
import { decodedPath } from "../../data-plane/http/request-path.ts";
import { type AskedRequest, ServedConfiguration } from "../support/served-configuration.ts";
import { vectors } from "../support/vectors.ts";

interface PathVector {
  readonly source: string;
  readonly stage: string;
  readonly config?: {
    readonly sanitizePath?: boolean;
    readonly underscoreHeadersStrategy?: EntryPointConfig["underscoreHeaders"];
    readonly encodedCharacters?: Readonly<Record<string, boolean>>;
    readonly denied?: readonly string[];
    readonly routers?: Readonly<
      Record<
        string,
        Readonly<Record<string, unknown>> & {
          readonly DeniedEncodedPathCharacters?: Readonly<Record<string, boolean>>;
        }
      >
    >;
  };
  readonly request?: {
    readonly target?: string;
    readonly rawPath?: string;
    readonly host?: string;
    readonly headers?: Readonly<Record<string, readonly string[]>>;
  };
  readonly expected: {
    readonly status?: number;
    readonly path?: string;
    readonly rawPath?: string;
    readonly escapedPath?: string;
    readonly routingPath?: string;
    readonly canonicalHost?: string;
    readonly host?: string;
    readonly headers?: Readonly<Record<string, readonly string[]>>;
    readonly reachedBackend?: boolean;
    readonly underscoreHeaderKept?: boolean;
    readonly denied?: readonly string[];
  };
}

const allAllowed = {
  allowEncodedSlash: true,
  allowEncodedBackSlash: true,
  allowEncodedNullCharacter: true,
  allowEncodedSemicolon: true,
  allowEncodedPercent: true,
  allowEncodedQuestionMark: true,
  allowEncodedHash: true,
};

/** A host with an open bracket is refused before anyone could ask what its canonical form is. */
const neverGetsThrough: ReadonlySet<string> = new Set([
  "pkg/middlewares/requestdecorator/request_decorator_test.go:Test_parseHost#L156",
  "pkg/middlewares/requestdecorator/request_decorator_test.go:Test_parseHost#L161",
]);

function requestOf({ request = {} }: PathVector): AskedRequest {
  const { target = "/", rawPath, headers = {} } = request;
  const [, host = "a.test", path = "/"] = /^(?:https?:\/\/([^/]*))?(\/.*)?$/.exec(target) ?? [];
  return { target: rawPath ?? path, host: request.host ?? host, headers };
}

function entryPointOf({ stage, config = {} }: PathVector): Partial<EntryPointConfig> {
  const [, strategy] = /^underscoreHeadersStrategy=(delete|reject)$/.exec(stage) ?? [];
  const asked = config.underscoreHeadersStrategy ?? (strategy as "delete" | "reject" | undefined);
  // Over there a root router has them from its entry point.
  const ofRoots = Object.values(config.routers ?? {}).map(
    ({ DeniedEncodedPathCharacters: allowed }) => allowed,
  );
  const denied = config.denied?.map(decodedPath).join("");
  return {
    underscoreHeaders: asked ?? "keep",
    sanitizePath: config.sanitizePath ?? true,
    deniedPathCharacters:
      denied ??
      deniedCharacters({
        ...allAllowed,
        ...config.encodedCharacters,
        ...Object.assign({}, ...ofRoots),
      }),
  };
}

/** The rule that says whether what cannot be seen behind a router is as expected. */
function ruleOf({ stage, expected }: PathVector): string {
  if (expected.routingPath !== undefined) return `Path(\`${expected.routingPath}\`)`;
  const host = expected.canonicalHost ?? (stage === "parseHost" ? expected.host : undefined);
  if (host === undefined) return "PathPrefix(`/`)";
  return host === "" ? "Host(`*`)" : `Host(\`${host}\`)`;
}

function configurationOf(vector: PathVector, originUrl: string) {
  const { stage, config = {} } = vector;
  const service = { loadBalancer: { servers: [{ url: originUrl }] } };
  if (stage === "router") {
    const routers = Object.entries(config.routers ?? {}).map(([name, router]) => {
      const { DeniedEncodedPathCharacters: _, ...written } = router;
      return [name, written];
    });
    return {
      routers: Object.fromEntries(routers),
      services: { service, "child1-service": service },
    };
  }
  const isMiddleware = stage === "middleware.encodedCharacters";
  const encodedCharacters = { allowEncodedSlash: false, ...config };
  return {
    routers: {
      all: { rule: ruleOf(vector), service: "app", ...(isMiddleware && { middlewares: ["deny"] }) },
    },
    services: { app: service },
    ...(isMiddleware && { middlewares: { deny: { encodedCharacters } } }),
  };
}

describe("entrypoint-path.json over a socket", async () => {
  const served = await ServedConfiguration.start();
  after(() => served[Symbol.asyncDispose]());

  for (const vector of vectors<PathVector>("entrypoint-path")) {
    const { source, stage, expected } = vector;
    const skip = neverGetsThrough.has(source);
    test(`${stage}: ${source}`, { skip }, async () => {
      const http = configurationOf(vector, served.originUrl);
      await served.serve({ file: { http } }, entryPointOf(vector));
      if (expected.denied !== undefined) {
        for (const triplet of ["%00", "%23", "%25", "%2F", "%2f", "%3B", "%3b", "%3F", "%5c"]) {
          const { status } = await served.ask({ target: `/a${triplet}b` });
          assert.equal(status, expected.denied.includes(triplet) ? 400 : 200, triplet);
        }
        return;
      }
      const { status, sent, sentTarget } = await served.ask(requestOf(vector));
      assert.equal(status, expected.status ?? 200);
      assert.equal(sent !== "", status === 200, "only what is answered 200 reaches the origin");
      if (expected.reachedBackend !== undefined) assert.equal(sent !== "", expected.reachedBackend);
      if (expected.path !== undefined) assert.equal(decodedPath(sentTarget), expected.path);
      for (const escaped of [expected.rawPath, expected.escapedPath]) {
        if (escaped !== undefined) assert.equal(sentTarget, escaped);
      }
      if (status !== 200) return;
      for (const [name, values] of Object.entries(expected.headers ?? {})) {
        for (const value of values) assert.ok(sent.includes(`${name}: ${value}\r\n`), name);
      }
      const hasUnderscore = /^[^:\r\n]*_[^:\r\n]*:/m.test(sent.slice(sent.indexOf("\r\n") + 2));
      if (stage.startsWith("underscore")) assert.equal(hasUnderscore, false);
      if (expected.underscoreHeaderKept !== undefined) {
        assert.equal(hasUnderscore, expected.underscoreHeaderKept);
      }
    });
  }
});

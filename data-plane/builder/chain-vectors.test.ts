import assert from "node:assert/strict";
import { test } from "node:test";
import {
  middlewareOf,
  routerOf,
  serviceOf,
  webEntryPoint,
} from "../../test/support/data-plane-resources.ts";
import { headerMap, RecordedExchange } from "../../test/support/recorded-exchange.ts";
import { StateHarness } from "../../test/support/state-harness.ts";
import { vectors } from "../../test/support/vectors.ts";

interface ChainVector {
  readonly source: string;
  readonly chain?: readonly string[];
  readonly providerInContext?: string;
  readonly middlewares?: Readonly<
    Record<
      string,
      {
        readonly headers?: { readonly customRequestHeaders: Readonly<Record<string, string>> };
        readonly chain?: { readonly middlewares: readonly string[] };
      }
    >
  >;
  readonly expectedRequestHeaders?: Readonly<Record<string, string>>;
  readonly expectedError: boolean;
}

/** What the control plane does to a name that does not say its provider. */
function qualified(name: string, referrer: string): string {
  const provider = referrer.split("@")[1] ?? "";
  return name.includes("@") || provider === "" ? name : `${name}@${provider}`;
}

/** Over there a name of a field with "@" in it is never sent, here it would be refused. */
function sendable(name: string): string {
  return name.replace("@", "-");
}

for (const vector of vectors<ChainVector>("middleware-chain")) {
  const { source, chain, middlewares, providerInContext = "", expectedError } = vector;
  // Two are of the circuit breaker, which is not built.
  if (chain === undefined || middlewares === undefined) continue;
  test(`a chain of ${chain.join(", ")} ${expectedError ? "is refused" : "runs"} (${source})`, async () => {
    const harness = new StateHarness();
    const router = `r@${providerInContext}`;
    const rejected = await harness.apply(
      [
        webEntryPoint(),
        serviceOf("app", [8001]),
        routerOf(router, { middlewares: chain.map((name) => qualified(name, router)) }),
        ...Object.entries(middlewares).map(([name, config]) => {
          if (config.chain !== undefined) {
            const members = config.chain.middlewares.map((member) => qualified(member, name));
            return middlewareOf(name, { $case: "chain", value: { middlewares: members } });
          }
          const edits = Object.entries(config.headers?.customRequestHeaders ?? {});
          const request = edits.map(([header, value]) => ({ name: sendable(header), value }));
          return middlewareOf(name, { $case: "headers", value: { request, response: [] } });
        }),
      ],
      { full: true },
    );
    const exchange = new RecordedExchange();
    harness.entryPoints.get("web")?.httpHandler.handle(exchange);
    if (expectedError) {
      assert(rejected.some(({ reason }) => reason === "its chain leads back to itself"));
      assert.equal(exchange.answer?.status, 404, "never open: its routers are out");
      return;
    }
    assert.deepEqual(rejected, []);
    assert.equal(exchange.answer?.status, 200);
    const sent = headerMap(exchange.requestHeaders);
    for (const [name, value] of Object.entries(vector.expectedRequestHeaders ?? {})) {
      const canonical = sendable(name).replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
      assert.deepEqual(sent[canonical], [value]);
    }
  });
}

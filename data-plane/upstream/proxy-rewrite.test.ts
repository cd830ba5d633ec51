import assert from "node:assert/strict";
import { test } from "node:test";
import { ForwardedHeaders } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { HttpEngine } from "../../test/support/http-engine.ts";
import { OriginRecorder } from "../../test/support/origin-recorder.ts";
import { RawClient } from "../../test/support/raw-client.ts";
import { vectors } from "../../test/support/vectors.ts";

interface RewriteVector {
  readonly source: string;
  readonly config?: {
    readonly target?: string;
    readonly passHostHeader?: boolean;
    readonly preservePath?: boolean;
    readonly notAppendXForwardedFor?: boolean;
  };
  readonly request?: {
    readonly url?: string;
    readonly headers?: Record<string, readonly string[]>;
  };
  readonly expected: {
    readonly host?: string;
    readonly path?: string;
    readonly rawQuery?: string;
    readonly xForwardedFor?: string;
  };
}

/** The others are about statuses: CONNECT and time-outs have their tests in http/ and upstream/. */
const rewrites = vectors<RewriteVector>("proxy-rewrite").filter(
  ({ expected }) => "path" in expected,
);

test("the rewrite vectors are there", () => assert.ok(rewrites.length >= 3));

for (const { source, config = {}, request = {}, expected } of rewrites) {
  test(`request upstream of ${source}`, async () => {
    const target = new URL(config.target ?? "");
    await using origin = await OriginRecorder.start();
    await using engine = await HttpEngine.start({
      originPort: origin.port,
      settings: {
        forwardedHeaders: ForwardedHeaders.create({
          insecure: true,
          notAppendXForwardedFor: config.notAppendXForwardedFor === true,
        }),
      },
      upstream: {
        authority: target.host,
        path: target.pathname,
        preservePath: config.preservePath === true,
        passHostHeader: config.passHostHeader === true,
      },
    });
    const { host, pathname, search } = new URL(request.url ?? "");
    const fields = Object.entries(request.headers ?? {})
      .flatMap(([name, values]) => values.map((value) => `${name}: ${value}\r\n`))
      .join("");
    const head = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${fields}`;
    await RawClient.exchange(engine.port, `${head}Connection: close\r\n\r\n`);
    const query = expected.rawQuery === "" ? "" : `?${expected.rawQuery}`;
    assert.ok(
      origin.received.startsWith(
        `GET ${expected.path}${query} HTTP/1.1\r\nHost: ${expected.host}\r\n`,
      ),
      origin.received,
    );
    assert.equal(/X-Forwarded-For: (.*)\r/.exec(origin.received)?.[1], expected.xForwardedFor);
  });
}

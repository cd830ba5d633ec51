import assert from "node:assert/strict";
import { test } from "node:test";
import { UnderscoreHeaders } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import { HttpEngine } from "../../test/support/http-engine.ts";
import { OriginRecorder } from "../../test/support/origin-recorder.ts";
import { RawClient } from "../../test/support/raw-client.ts";
import { HeaderList } from "./header-list.ts";

/** What the client gets and the origin is sent, with both forms of a header in the request. */
async function ask(strategy: UnderscoreHeaders, fields: string, insecure = false) {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({
    originPort: origin.port,
    settings: {
      underscoreHeaders: strategy,
      forwardedHeaders: {
        insecure,
        trustedIps: [],
        connection: [],
        notAppendXForwardedFor: false,
      },
    },
  });
  const request = `GET /a_b HTTP/1.1\r\nHost: a_b.test\r\n${fields}Connection: close\r\n\r\n`;
  const answer = await RawClient.exchange(engine.port, request);
  return { status: Number(answer.slice(9, 12)), sent: origin.received, counted: engine.counted };
}

const both = "X-User: a_b\r\nX_User: spoof\r\nx_uSER: again\r\n_: odd\r\nX-Last: 1\r\n";

test("headers with underscores are kept", async () => {
  const { status, sent } = await ask(UnderscoreHeaders.KEEP, both);
  assert.equal(status, 200);
  assert.match(sent, /^X_User: spoof\r\nx_uSER: again\r\n_: odd\r\nX-Last: 1\r$/m);
});

test("headers with underscores are deleted, all of them and nothing else", async () => {
  const { status, sent } = await ask(UnderscoreHeaders.DELETE, both);
  assert.equal(status, 200);
  assert.match(sent, /^X-User: a_b\r\nX-Last: 1\r$/m);
  assert.doesNotMatch(sent, /^[^:\r\n]*_[^:\r\n]*:/m);
});

test("requests with underscores in header names are refused and reach nobody", async () => {
  assert.deepEqual(await ask(UnderscoreHeaders.REJECT, both), {
    status: 400,
    sent: "",
    counted: ["GET 400 1"],
  });
  assert.equal((await ask(UnderscoreHeaders.REJECT, "X-User: a_b\r\n")).status, 200);
});

test("spellings of X-Forwarded headers with underscores count, whoever the peer is", async () => {
  const field = "X_Forwarded_For: 1.2.3.4\r\n";
  for (const insecure of [false, true]) {
    assert.equal((await ask(UnderscoreHeaders.REJECT, field, insecure)).status, 400);
    const { sent } = await ask(UnderscoreHeaders.DELETE, field, insecure);
    assert.doesNotMatch(sent, /1\.2\.3\.4/);
  }
});

test("a request behind another one is looked at by itself", async () => {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({
    originPort: origin.port,
    settings: { underscoreHeaders: UnderscoreHeaders.REJECT },
  });
  const one = (fields: string) => `GET / HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;
  const answer = await RawClient.exchange(engine.port, one("") + one("A_b: 1\r\n"));
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 400"]);
});

test("deleting headers with underscores takes one pass, however many there are", () => {
  const headers = new HeaderList();
  for (let index = 0; index < 200_000; index += 1) headers.appendChecked(`a_${index}`, "");
  headers.append("X-Kept", "1");
  headers.deleteWithUnderscore();
  assert.deepEqual([headers.length, headers.lines("")], [1, "X-Kept: 1\r\n"]);
});

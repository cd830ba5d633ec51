import assert from "node:assert/strict";
import { test } from "node:test";
import { clientHello, inRecordsOf } from "../../test/support/client-hello.ts";
import { ClientHelloReader } from "./client-hello.ts";

const read = (bytes: Buffer) => new ClientHelloReader().push(bytes);

test("ClientHelloReader finds name and protocols, however the hello comes in", async () => {
  const ALPNProtocols = ["mqtt", "http/1.1"];
  const hello = await clientHello({ servername: "Shop.Example", ALPNProtocols });
  const complete = {
    kind: "complete",
    serverName: "shop.example",
    alpnProtocols: ALPNProtocols,
  };
  for (const whole of [hello, inRecordsOf(1, hello), inRecordsOf(100, hello)]) {
    assert.deepEqual(read(whole), complete);
    assert.deepEqual(read(Buffer.concat([whole, Buffer.from("early")])), complete);
    const reader = new ClientHelloReader();
    for (let at = 0; at < whole.length - 1; at += 1) {
      assert.equal(reader.push(whole.subarray(at, at + 1)).kind, "incomplete", `${at}`);
    }
    assert.deepEqual(reader.push(whole.subarray(-1)), complete);
  }
  const anonymous = { kind: "complete", serverName: "", alpnProtocols: [] };
  assert.deepEqual(read(await clientHello()), anonymous);
});

test("ClientHelloReader takes nothing else for one, and reads beyond no length", async () => {
  const hello = await clientHello({ servername: "shop.example", ALPNProtocols: ["h2"] });
  assert.equal(read(Buffer.from("GET / HTTP/1.1\r\n")).kind, "malformed");
  assert.equal(read(Buffer.of(0x16, 3, 1, 0, 1, 2)).kind, "malformed");
  assert.equal(read(Buffer.of(0x16, 3, 1, 0, 0)).kind, "malformed");
  assert.equal(read(Buffer.of(0x16, 2)).kind, "malformed");
  assert.equal(read(Buffer.of(0x16, 3, 1, 0x40, 1)).kind, "malformed");
  assert.equal(read(Buffer.of(0x16, 3, 1, 0, 4, 1, 255, 0, 0)).kind, "malformed");
  const torn = new Set<string>();
  for (let at = 43; at < hello.length; at += 1) {
    const bytes = Buffer.from(hello);
    bytes[at] = 0xff;
    torn.add(read(bytes).kind);
  }
  assert.deepEqual([...torn].sort(), ["complete", "malformed"]);
});

test("ClientHelloReader gives up on one that is absurdly long", () => {
  const reader = new ClientHelloReader();
  reader.push(Buffer.of(0x16, 3, 1, 0, 4, 1, 1, 0, 0));
  const record = Buffer.of(0x16, 3, 1, 0, 1, 0);
  let read = 9;
  while (reader.push(record).kind === "incomplete") read += record.length;
  assert.ok(read > 130_000 && read < 132_000, `${read}`);
});

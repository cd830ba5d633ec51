import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { connect } from "node:tls";
import { readClientHello } from "./client-hello.ts";

/** What Node's own client sends first. */
async function helloFor(servername: string | undefined): Promise<Buffer> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const options = { port, host: "127.0.0.1", ...(servername !== undefined && { servername }) };
  const client = connect(options);
  client.on("error", () => {});
  const [socket] = await once(server, "connection");
  const [bytes] = await once(socket, "data");
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

/** The same message in records of that many bytes. */
function inRecordsOf(size: number, hello: Buffer): Buffer {
  const message = hello.subarray(5);
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    parts.push(Buffer.of(0x16, 3, 1, part.length >> 8, part.length & 0xff), part);
  }
  return Buffer.concat(parts);
}

test("readClientHello() finds the server name, however the hello comes in", async () => {
  const hello = await helloFor("Shop.Example");
  const complete = { kind: "complete", serverName: "shop.example" };
  for (const whole of [hello, inRecordsOf(1, hello), inRecordsOf(100, hello)]) {
    assert.deepEqual(readClientHello(whole), complete);
    for (let length = 1; length < whole.length; length += 1) {
      assert.equal(readClientHello(whole.subarray(0, length)).kind, "incomplete", `${length}`);
    }
  }
  const anonymous = await helloFor(undefined);
  assert.deepEqual(readClientHello(anonymous), { kind: "complete", serverName: "" });
});

test("readClientHello() takes nothing else for one, and reads beyond no length", async () => {
  const hello = await helloFor("shop.example");
  assert.equal(readClientHello(Buffer.from("GET / HTTP/1.1\r\n")).kind, "malformed");
  assert.equal(readClientHello(Buffer.of(0x16, 3, 1, 0, 1, 2)).kind, "malformed");
  assert.equal(readClientHello(Buffer.of(0x16, 3, 1, 0, 0)).kind, "malformed");
  assert.equal(readClientHello(Buffer.of(0x16, 3, 1, 0, 4, 1, 255, 0, 0)).kind, "malformed");
  for (let at = 43; at < hello.length; at += 1) {
    const torn = Buffer.from(hello);
    torn[at] = 0xff;
    assert.doesNotThrow(() => readClientHello(torn));
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { OutgoingFrame } from "./outgoing-frame.ts";

/** As grpc-js frames a message. */
function framed(bytes: Buffer): Buffer {
  const output = Buffer.allocUnsafe(bytes.byteLength + 5);
  output.writeUInt8(0, 0);
  output.writeUInt32BE(bytes.byteLength, 1);
  bytes.copy(output, 5);
  return output;
}

test("OutgoingFrame gives back the copy of a large frame, and keeps the frame", () => {
  const frame = Buffer.alloc(100_000, "x");
  const outgoing = new OutgoingFrame(frame);
  const copy = framed(outgoing.serialized());
  assert.ok(copy.subarray(5).equals(frame));
  outgoing.written();
  assert.equal(copy.buffer.byteLength, 0);
  assert.equal(frame.length, 100_000);
  outgoing.written();
});

test("OutgoingFrame leaves alone what shares its memory with other buffers", () => {
  const outgoing = new OutgoingFrame(Buffer.from("heartbeat"));
  const copy = framed(outgoing.serialized());
  outgoing.written();
  assert.equal(copy.toString("latin1", 5), "heartbeat");
});

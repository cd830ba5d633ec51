import assert from "node:assert/strict";
import { test } from "node:test";
import { clientHello, inRecordsOf } from "../../test/support/client-hello.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import { sslRequest } from "../tcp/postgres-request.ts";
import { type Opening, OpeningReader } from "./connection-opening.ts";

/** The answer to these segments, and how many of them it took. */
function read(segments: readonly Buffer[], answersPostgres: boolean): [Opening, number] {
  const reader = new OpeningReader(answersPostgres);
  for (const [index, segment] of segments.entries()) {
    const opening = reader.push(segment);
    if (opening.kind !== "incomplete") return [opening, index + 1];
  }
  return [{ kind: "incomplete" }, segments.length];
}

const answer = (bytes: Buffer, answersPostgres = true) => read([bytes], answersPostgres)[0];

test("OpeningReader tells TLS, Postgres and the rest apart", async () => {
  const hello = await clientHello({ servername: "db.test", ALPNProtocols: ["postgresql"] });
  const tls = { kind: "tls", serverName: "db.test", alpnProtocols: ["postgresql"] };
  const anonymous = { kind: "tls", serverName: "", alpnProtocols: [] };
  for (const answersPostgres of [true, false]) {
    assert.deepEqual(answer(hello, answersPostgres), tls);
    assert.deepEqual(answer(Buffer.of(0x80, 0x2e, 1), answersPostgres), anonymous);
    assert.deepEqual(answer(Buffer.from("GET /"), answersPostgres), { kind: "plain" });
    assert.deepEqual(answer(Buffer.of(0x16, 9), answersPostgres), { kind: "malformed" });
  }
  const rest = Buffer.from([]);
  assert.deepEqual(answer(sslRequest), { kind: "sslRequest", rest });
  assert.deepEqual(answer(sslRequest, false), { kind: "plain" });
  assert.deepEqual(answer(Buffer.of(0, 0, 0, 9)), { kind: "plain" });
  assert.deepEqual(answer(sslRequest.subarray(0, 7)), { kind: "incomplete" });
  const reader = new OpeningReader(true);
  reader.push(sslRequest);
  assert.deepEqual(reader.push(hello), tls);
  for (const other of [sslRequest, Buffer.from("x"), Buffer.of(0x80)]) {
    const again = new OpeningReader(true);
    again.push(sslRequest);
    assert.deepEqual(again.push(other), { kind: "malformed" }, "nothing but TLS may follow");
  }
});

test("OpeningReader answers alike, and at the same byte, however the bytes are cut", async () => {
  const hello = await clientHello({ servername: "db.test", ALPNProtocols: ["h2", "mqtt"] });
  const openings = [
    Buffer.concat([hello, Buffer.from("early data")]),
    inRecordsOf(7, hello),
    hello.subarray(0, 100),
    Buffer.concat([sslRequest, hello]),
    sslRequest.subarray(0, 5),
    Buffer.concat([sslRequest.subarray(0, 7), Buffer.from("!")]),
    Buffer.of(0x16, 3, 1, 0, 4, 7),
    Buffer.from("SSH-2.0-x\r\n"),
    Buffer.of(0x80, 1),
  ];
  const random = new SeededRandom(11);
  const kinds = new Set<string>();
  for (let round = 0; round < 2_000; round += 1) {
    const bytes = random.pick(openings);
    const answersPostgres = random.below(4) > 0;
    const [expected, ends] = read(
      [...bytes].map((byte) => Buffer.of(byte)),
      answersPostgres,
    );
    const segments: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.below(random.pick([2, 10, 1_000]));
      segments.push(bytes.subarray(at, at + length));
      at += length;
    }
    const [opening, used] = read(segments, answersPostgres);
    const usedBytes = segments.slice(0, used).reduce((sum, { length }) => sum + length, 0);
    const last = segments[used - 1]?.length ?? 0;
    if (opening.kind === "sslRequest" && expected.kind === "sslRequest") {
      assert.equal(usedBytes - opening.rest.length, ends);
    } else assert.deepEqual(opening, expected);
    assert.ok(usedBytes >= ends && usedBytes - last < ends, "it is told in the first segment");
    kinds.add(opening.kind);
  }
  assert.deepEqual([...kinds].sort(), ["incomplete", "malformed", "plain", "sslRequest", "tls"]);
});

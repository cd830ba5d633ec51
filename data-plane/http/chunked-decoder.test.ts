import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChunkedDecoder } from "./chunked-decoder.ts";

/** The body decoded from fragments, or what went wrong. */
function decode(fragments: readonly string[]) {
  const decoder = new ChunkedDecoder();
  let body = "";
  let used = 0;
  const receiver = {
    bodyData(bytes: Buffer, start: number, end: number) {
      body += bytes.toString("latin1", start, end);
    },
  };
  for (const fragment of fragments) {
    if (decoder.isDone) break;
    const bytes = Buffer.from(fragment, "latin1");
    const end = decoder.decode(bytes, 0, bytes.length, receiver);
    if (end === -1) return { isBroken: true } as const;
    used += end;
  }
  const { isDone } = decoder;
  return { isBroken: false, body, used, isDone, trailers: decoder.trailers?.lines("") } as const;
}

const broken: readonly (readonly [string, string])[] = [
  ["no size", "\r\n"],
  ["a space before the size", " 1\r\na\r\n0\r\n\r\n"],
  ["a sign", "+1\r\na\r\n0\r\n\r\n"],
  ["a minus", "-1\r\na\r\n0\r\n\r\n"],
  ["a prefix", "0x1\r\na\r\n0\r\n\r\n"],
  ["a space after the size", "1 \r\na\r\n0\r\n\r\n"],
  ["a letter beyond f", "g\r\n"],
  ["an underscore", "1_0\r\n"],
  ["a size no number can hold", "10000000000000000\r\na"],
  ["many zeros", "0000000000000\r\n\r\n"],
  ["LF alone after the size", "1\na\r\n0\r\n\r\n"],
  ["CR alone after the size", "1\ra\r\n0\r\n\r\n"],
  ["no CRLF after the data", "1\r\nab\r\n0\r\n\r\n"],
  ["LF alone after the data", "1\r\na\n0\r\n\r\n"],
  ["CR and something else after the data", "1\r\na\rx0\r\n\r\n"],
  ["LF in an extension", "1;a\nb\r\na\r\n0\r\n\r\n"],
  ["NUL in an extension", "1;a\0\r\na\r\n0\r\n\r\n"],
  ["an endless extension", `1;${"a".repeat(2_000)}\r\na\r\n0\r\n\r\n`],
  ["LF alone at the end", "0\r\n\n"],
  ["a trailer without colon", "0\r\nabc\r\n\r\n"],
  ["a trailer that folds", "0\r\nA: b\r\n c\r\n\r\n"],
  ["a space before a trailer's colon", "0\r\nA : b\r\n\r\n"],
  ["a control character in a trailer", "0\r\nA: \x01\r\n\r\n"],
  ["LF alone in a trailer", "0\r\nA: b\nC: d\r\n\r\n"],
  ["a length in a trailer", "0\r\nContent-Length: 1\r\n\r\n"],
  ["a coding in a trailer", "0\r\ntransfer_encoding: chunked\r\n\r\n"],
  ["endless trailers", `0\r\nA: ${"b".repeat(20_000)}\r\n\r\n`],
];

for (const [what, text] of broken) {
  test(`ChunkedDecoder refuses ${what}`, () => {
    assert.equal(decode([text]).isBroken, true);
    assert.equal(decode([...text]).isBroken, true, "byte by byte");
  });
}

const message = '5;ext="a b"\r\nhello\r\n00A\r\n, world!\r\n\r\n0;x\r\nX-Sum: 1\r\nY:\t2 \r\n\r\n';

test("ChunkedDecoder decodes sizes in any case, extensions and trailers", () => {
  const { body, isDone, trailers } = decode([message]);
  assert.equal(body, "hello, world!\r\n".slice(0, 15));
  assert.deepEqual([isDone, trailers], [true, "X-Sum: 1\r\nY: 2\r\n"]);
});

test("ChunkedDecoder leaves what follows the body", () => {
  assert.equal(decode([`${message}GET / HTTP/1.1`]).used, message.length);
});

test("ChunkedDecoder drops trailers that say where a message goes, what it is or who sent it", () => {
  const names = ["Host", "Cookie", "content_type", "X-Forwarded-For", "x_real_ip"];
  const lines = names.map((name) => `${name}: 1\r\n`).join("");
  assert.equal(decode([`0\r\n${lines}Fine: 1\r\n\r\n`]).trailers, "Fine: 1\r\n");
});

test("ChunkedDecoder decodes the same at every split", () => {
  const whole = decode([message]);
  for (let at = 1; at < message.length; at += 1) {
    assert.deepEqual(decode([message.slice(0, at), message.slice(at)]), whole, `split at ${at}`);
  }
  assert.deepEqual(decode([...message]), whole);
});

test("ChunkedDecoder decodes whatever was encoded, in any fragments", () => {
  const encoded = fc.array(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(encoded, fc.array(fc.nat(400), { maxLength: 12 }), (chunks, cuts) => {
      const latin1 = chunks.map((chunk) => Buffer.from(chunk, "utf8").toString("latin1"));
      const text = `${latin1.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("")}0\r\n\r\n`;
      const places = [
        0,
        ...cuts.map((cut) => cut % text.length).toSorted((a, b) => a - b),
        text.length,
      ];
      const fragments = places.slice(1).map((place, index) => text.slice(places[index], place));
      const { body, isDone } = decode(fragments);
      assert.deepEqual([body, isDone], [latin1.join(""), true]);
    }),
  );
});

test("ChunkedDecoder starts over after reset()", () => {
  const decoder = new ChunkedDecoder();
  const bytes = Buffer.from("1\r\na\r\n0\r\nA: b\r\n\r\n", "latin1");
  for (const _ of [1, 2]) {
    let received = 0;
    decoder.reset();
    assert.deepEqual([decoder.isDone, decoder.trailers], [false, undefined]);
    decoder.decode(bytes, 0, bytes.length, {
      bodyData: (_bytes, start, end) => {
        received += end - start;
      },
    });
    assert.deepEqual([received, decoder.isDone, decoder.trailers?.length], [1, true, 1]);
  }
});

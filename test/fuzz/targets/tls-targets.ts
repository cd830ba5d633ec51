/** What connections begin with: nothing is read beyond its length, and how it is cut into segments makes no difference. */
import assert from "node:assert/strict";
import { sslRequest } from "../../../data-plane/tcp/postgres-request.ts";
import { type Opening, OpeningReader } from "../../../data-plane/tls/connection-opening.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { mutate } from "../mutate-text.ts";

const names = ["db.test", "DB.test.", "", "x".repeat(255), "a\u0000b", "ä.test"];
const protocols = ["h2", "http/1.1", "mqtt", "", "p".repeat(255)];

export const tlsTargets: readonly FuzzTarget[] = [
  {
    name: "connection-opening",
    weight: 2,
    generate: (random) => {
      const hello = inRecords(random, clientHello(random)).toString("latin1");
      const whole = random.chance(0.3) ? sslRequest.toString("latin1") + hello : hello;
      const text = random.chance(0.3) ? `${whole}and more` : whole;
      return random.chance(0.7)
        ? mutate(random, text, [sslRequest.toString("latin1"), hello])
        : text;
    },
    check: (input) => {
      const bytes = Buffer.from(input, "latin1");
      for (const answersPostgres of [true, false]) {
        const [single, ...others] = [1, 7, 1_000, Math.max(1, bytes.length)].map((size) =>
          answersTo(bytes, size, answersPostgres),
        );
        for (const other of others) assert.deepEqual(other, single);
      }
    },
  },
];

/** Everything that is told, in segments of that many bytes. */
function answersTo(bytes: Buffer, size: number, answersPostgres: boolean): readonly Opening[] {
  const reader = new OpeningReader(answersPostgres);
  const told: Opening[] = [];
  const push = (segment: Buffer): boolean => {
    const opening = reader.push(segment);
    if (opening.kind === "incomplete") return false;
    if (opening.kind !== "sslRequest") return told.push(opening) > 0;
    told.push({ kind: "sslRequest", rest: Buffer.alloc(0) });
    return opening.rest.length > 0 && push(opening.rest);
  };
  for (let at = 0; at < bytes.length; at += size) {
    if (push(bytes.subarray(at, at + size))) break;
  }
  return told;
}

/** A handshake message, most often well-formed. */
function clientHello(random: SeededRandom): Buffer {
  const extensions = Array.from({ length: random.below(5) }, () => extension(random));
  const body = Buffer.concat([
    Buffer.alloc(34, 3), // version, random
    sized(1, Buffer.alloc(random.pick([0, 32]))), // session
    sized(2, Buffer.alloc(2 * random.below(20))), // cipher suites
    sized(1, Buffer.of(0)), // compression
    ...(random.chance(0.9) ? [sized(2, Buffer.concat(extensions))] : []),
  ]);
  return Buffer.concat([Buffer.of(1), sized(3, body)]);
}

function extension(random: SeededRandom): Buffer {
  const list = () =>
    [random.pick(protocols), random.pick(protocols)].map((name) => sizedText(1, name));
  const host = Buffer.concat([Buffer.of(random.pick([0, 0, 1])), sizedText(2, random.pick(names))]);
  const [type, content] = random.pick([
    [0, sized(2, host)],
    [16, sized(2, Buffer.concat(list()))],
    [random.below(300), Buffer.alloc(random.below(40), 7)],
  ] as const);
  return Buffer.concat([Buffer.of(type >> 8, type & 0xff), sized(2, content)]);
}

function inRecords(random: SeededRandom, message: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const part = message.subarray(at, at + 1 + random.below(random.pick([5, 100, 2_000])));
    parts.push(Buffer.of(0x16, 3, 1), sized(2, part));
    at += part.length;
  }
  return Buffer.concat(parts);
}

function sized(lengthBytes: number, content: Buffer): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(content.length, 0, lengthBytes);
  return Buffer.concat([length, content]);
}

function sizedText(lengthBytes: number, text: string): Buffer {
  return sized(lengthBytes, Buffer.from(text, "latin1"));
}

/**
 * The HTTP engine between a client and an upstream in memory: what reaches the upstream is what the plain reading of the
 * client's stream says, and what reaches the client is what the plain reading of the upstream's says. In any pieces.
 */
import assert from "node:assert/strict";
import { joinChunks } from "../../smuggling/join-chunks.ts";
import {
  type GatewayModules,
  importGateway,
  nextHeard,
  runRequest,
  runResponse,
} from "../../smuggling/memory-gateway.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { generateRequests, generateResponse } from "../generate-http.ts";
import { mutate } from "../mutate-text.ts";
import {
  connectionOptions,
  type NaiveMessage,
  readRequests,
  readResponses,
  UnsureError,
  valuesOf,
} from "../naive-http.ts";

const maxCharacters = 3_000;
const seeds = [
  "GET /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
  "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
];

/** The gateway's own, whoever else says them: they are checked by name elsewhere. */
const ownFields = new Set([
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "content-length",
  "upgrade",
  "te",
  "expect",
  "http2-settings",
  "proxy-authenticate",
  "proxy-authorization",
  "date",
]);
const forwardingFields =
  /^x-(?:forwarded-(?:for|proto|host|port|server|uri|method|prefix|tls-client-cert(?:-info)?)|real-ip)$/;
const trailerFields = new Set(["cookie", "host", "content-length", "set-cookie", "trailer", "via"]);

type Fields = NaiveMessage["fields"];

function isManaged(name: string): boolean {
  return forwardingFields.test(name.toLowerCase().replaceAll("_", "-"));
}

/** Those that travel, in order. */
function travelling({ fields }: NaiveMessage, isRequest: boolean): Fields {
  const named = new Set(connectionOptions(fields));
  return fields.filter(([name]) => {
    const lowerName = name.toLowerCase();
    if (ownFields.has(lowerName) || named.has(lowerName)) return false;
    return !isRequest || !isManaged(name);
  });
}

function travellingTrailers({ trailers }: NaiveMessage): Fields {
  return trailers.filter(([name]) => {
    const plain = name.toLowerCase().replaceAll("_", "-");
    return !trailerFields.has(plain) && !ownFields.has(plain) && !isManaged(name);
  });
}

/** The target's own host counts; for none there is the upstream's address. */
function hostOf({ start, fields }: NaiveMessage): string {
  const [, own] = /^\S+ https?:\/\/([^/?]*)/i.exec(start) ?? [];
  return own ?? valuesOf(fields, "host")[0] ?? "upstream:80";
}

/** Path and query, unless the gateway has to change how they are spelled. */
function plainTarget(target: string): string | undefined {
  const local = target.replace(/^https?:\/\/[^/?]*/i, "");
  const pathAndQuery = local.startsWith("/") ? local : `/${local}`;
  return /^(?:\/[\w-]+)*\/?(?:\?[!-:<-~]*)?$/.test(pathAndQuery) ? pathAndQuery : undefined;
}

/** A body without an end of its own is chunked on its way. */
function meaningOf(message: NaiveMessage, isRequest: boolean) {
  const { start, framing, body } = message;
  const [method, target = ""] = start.split(" ");
  const isChunked = framing === "chunked" || framing === "untilClose";
  return {
    method,
    host: isRequest ? hostOf(message) : "",
    target: isRequest ? plainTarget(target) : "",
    framing: isChunked ? "chunked" : framing,
    body,
    fields: travelling(message, isRequest),
    trailers: travellingTrailers(message),
  };
}

/** Two ways to cut a text, from the text itself. */
function piecesOf(text: string): string[][] {
  let sum = 7;
  for (let index = 0; index < text.length; index += 1)
    sum = (sum * 31 + text.charCodeAt(index)) >>> 0;
  const at = text.length < 2 ? 0 : 1 + (sum % (text.length - 1));
  return [[text], [text.slice(0, at), text.slice(at)], text.match(/[\s\S]{1,3}/g) ?? []];
}

/** One character is one byte. */
const latin1 = (text: string) => text.replaceAll(/[^\0-\xff]/g, "?").slice(0, maxCharacters);

function checkRequests(gateway: GatewayModules, stream: string): void {
  const expected = readRequests(stream);
  let first: string | undefined;
  for (const pieces of piecesOf(stream)) {
    const { upstreams, client } = runRequest(gateway, { endsHalf: true }, pieces);
    const seen = upstreams.map((text) => readRequests(text));
    const received = seen.flatMap(({ messages }) => messages);
    // The gateway answers `OPTIONS *` itself.
    const sent = expected.messages.filter(({ start }) => !start.endsWith(" *"));
    const meant = sent.map((message) => meaningOf(message, true));
    const understood = received.map((message, index) => {
      const meaning = meaningOf(message, true);
      return meant[index]?.target === undefined ? { ...meaning, target: undefined } : meaning;
    });
    assert.deepEqual(understood, meant, "other requests than were sent");
    for (const { rest } of seen) {
      const allowed = expected.rest === "body" ? ["end", "body", "open"] : ["end"];
      assert.ok(allowed.includes(rest), `the upstream's stream ends with: ${rest}`);
    }
    assertSpelling(upstreams);
    const statuses = [...client.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map(([, status]) => status);
    const good = expected.messages.map(() => "200");
    assert.deepEqual(statuses.slice(0, good.length), good, "answers to good requests");
    const refusals = statuses.slice(good.length);
    const most = expected.rest === "end" || expected.rest === "closed" ? 0 : 1;
    assert.ok(refusals.length <= most, `refusals: ${refusals}`);
    if (expected.rest === "refused") assert.match(refusals[0] ?? "", /^(?:400|417|501|505)$/);
    const whole = `${statuses} ${joinChunks(expected.rest === "body" ? "" : upstreams.join(""))}`;
    first ??= whole;
    assert.equal(whole, first, "another outcome in other pieces");
  }
}

/** What any upstream can rely on. */
function assertSpelling(upstreams: readonly string[]): void {
  for (const stream of upstreams) {
    for (const { start, fields, minor } of readRequests(stream).messages) {
      assert.equal(minor, 1);
      assert.match(start, /^\S+ \//, "a target of another form");
      assert.equal(valuesOf(fields, "host").length, 1);
      assert.ok(valuesOf(fields, "x-forwarded-for").join() === "127.0.0.1");
      for (const upgrade of valuesOf(fields, "upgrade")) assert.doesNotMatch(upgrade, /h2c|tls/i);
    }
  }
}

const isFinal = ({ start }: NaiveMessage) => !start.startsWith("1");

function checkResponse(gateway: GatewayModules, stream: string): void {
  const endsConnection = stream.length % 2 === 0;
  const asked = "GET /p HTTP/1.1\r\nHost: a\r\n\r\n";
  const expected = readResponses(stream, ["GET"]);
  const switches = expected.messages.some(({ start }) => start.startsWith("101"));
  const finals = expected.messages.filter(isFinal);
  const isWhole = finals.length === 1 && !switches;
  for (const pieces of piecesOf(stream)) {
    const { client } = runResponse(gateway, { asked, endsConnection, rest: undefined }, pieces);
    const ends = client.endsWith(nextHeard);
    // What is behind a response is never the answer to the next request.
    const [, second] = readResponses(client, ["GET", "GET"]).messages.filter(isFinal);
    assert.ok(second === undefined || second.body === "next", "another answer to the next request");
    const before = ends ? client.slice(0, -nextHeard.length) : client;
    const heard = readResponses(before, ["GET"]);
    if (isWhole) {
      const isOpen = finals[0]?.framing === "untilClose" && !endsConnection;
      if (isOpen) continue;
      assert.ok(ends, "the next request is not answered");
      assert.deepEqual(
        heard.messages.map((message) => meaningOf(message, false)),
        expected.messages
          .filter(({ start }) => !start.startsWith("100"))
          .map((message) => meaningOf(message, false)),
        "another response than was sent",
      );
    } else {
      const final = heard.messages.find(isFinal);
      const isCut = expected.rest === "body" || heard.rest === "body" || final === undefined;
      assert.ok(isCut || final.start.startsWith("502"), `a broken response became ${final?.start}`);
    }
  }
}

function httpTarget(
  name: string,
  generate: FuzzTarget["generate"],
  check: (stream: string) => void,
): FuzzTarget {
  return {
    name,
    weight: 2,
    generate: (random) => {
      const text = generate(random);
      return latin1(random.chance(0.3) ? mutate(random, text, seeds) : text);
    },
    check: (input) => {
      try {
        check(latin1(input));
      } catch (error) {
        if (!(error instanceof UnsureError)) throw error;
      }
    },
  };
}

/** Of the engine as it is, or of one with mistakes in it. */
export function httpTargetsOf(gateway: GatewayModules): readonly FuzzTarget[] {
  return [
    httpTarget("http-requests", generateRequests, (stream) => checkRequests(gateway, stream)),
    httpTarget("http-responses", generateResponse, (stream) => checkResponse(gateway, stream)),
  ];
}

export const httpTargets = httpTargetsOf(await importGateway());

/** What could cost an HTTP engine more than its size: heads, lists, chunks and trailers, whole and in small pieces. */
import { importGateway, runRequest, runResponse } from "../smuggling/memory-gateway.ts";
import type { GrowthShape } from "./growth.ts";

const gateway = await importGateway();
const pieceBytes = 1_460;

const heads: Readonly<Record<string, (count: number) => string>> = {
  "a long target": (n) => `GET /${"a".repeat(n)} HTTP/1.1\r\n`,
  "a target of dots": (n) => `GET ${"/..".repeat(n)} HTTP/1.1\r\n`,
  "a target of escapes": (n) => `GET /${"%41".repeat(n)} HTTP/1.1\r\n`,
  "a long value": (n) => `GET / HTTP/1.1\r\nX: ${"a".repeat(n)}\r\n`,
  "a value of blanks": (n) => `GET / HTTP/1.1\r\nX: a${" ".repeat(n)}b\r\n`,
  "a value that begins with blanks": (n) => `GET / HTTP/1.1\r\nX:${" \t".repeat(n)}b\r\n`,
  "a long name": (n) => `GET / HTTP/1.1\r\n${"a".repeat(n)}: b\r\n`,
  "many fields": (n) => `GET / HTTP/1.1\r\n${"a: b\r\n".repeat(n)}`,
  "a list in Connection": (n) => `GET / HTTP/1.1\r\nConnection: ${"close,".repeat(n)}\r\n`,
  "commas in Connection": (n) => `GET / HTTP/1.1\r\nConnection: ${", ".repeat(n)}@\r\n`,
  "a token in Connection": (n) => `GET / HTTP/1.1\r\nConnection: ${"a".repeat(n)}@\r\n`,
  codings: (n) => `GET / HTTP/1.1\r\nTransfer-Encoding: ${"chunked, ".repeat(n)}x\r\n`,
  "protocols in Upgrade": (n) =>
    `GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: ${"a/1, ".repeat(n)}b\r\n`,
  "blanks in TE": (n) => `GET / HTTP/1.1\r\nTE: ${", ".repeat(n)}${" ".repeat(n)}x\r\n`,
  "a long Host": (n) => `GET / HTTP/1.1\r\nHost: ${"a.".repeat(n)}a\r\n`,
};

const bodies: Readonly<Record<string, (count: number) => string>> = {
  "small chunks": (n) => `${"1\r\na\r\n".repeat(n)}0\r\n\r\n`,
  extensions: (n) => `${"4;a=b\r\nabcd\r\n".repeat(n)}0\r\n\r\n`,
  "a trailer of blanks": (n) => `0\r\nX: a${" ".repeat(n)}b\r\n\r\n`,
  trailers: (n) => `0\r\n${"a:\r\n".repeat(n)}\r\n`,
};

function run(stream: string): void {
  runRequest(gateway, { endsHalf: true }, [stream]);
  runRequest(gateway, { endsHalf: true }, piecesOf(stream));
}

function runAnswer(stream: string): void {
  const asked = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  runResponse(gateway, { asked, endsConnection: true, rest: undefined }, piecesOf(stream));
}

function piecesOf(stream: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < stream.length; at += pieceBytes)
    pieces.push(stream.slice(at, at + pieceBytes));
  return pieces;
}

const chunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const chunkedAnswer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

export const httpGrowthShapes: readonly GrowthShape[] = [
  ...Object.entries(heads).map(([name, build]) => ({
    name: `HTTP request: ${name}`,
    build: (count: number) => `${build(count)}Host: a\r\n\r\n`,
    run,
  })),
  ...Object.entries(bodies).map(([name, build]) => ({
    name: `HTTP body: ${name}`,
    build: (count: number) => chunkedHead + build(count),
    run,
  })),
  ...Object.entries(bodies).map(([name, build]) => ({
    name: `HTTP response: ${name}`,
    build: (count: number) => chunkedAnswer + build(count),
    run: runAnswer,
  })),
];

/** However a message is cut on its way, the same comes out of the other side. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { HttpEngine } from "../../test/support/http-engine.ts";
import { OriginRecorder, okAnswer } from "../../test/support/origin-recorder.ts";
import { RawClient } from "../../test/support/raw-client.ts";

/** Each piece arrives by itself: the other end of the loopback reads in the turns between. */
async function sendPieces(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece, "latin1");
    await nextTurn();
    await nextTurn();
  }
}

function piecesOf(text: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
  return places.slice(1).map((place, index) => text.slice(places[index], place));
}

const withoutDate = (text: string) => text.replaceAll(/Date: .*\r\n/g, "");

const requests =
  "POST /a%2fb//c?d HTTP/1.1\r\nHost: a:1\r\nX-Empty:\r\nX-A: \t1 \r\nTransfer-Encoding: chunked\r\n\r\n" +
  "3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n" +
  "\r\nPUT /2 HTTP/1.1\r\nhost: b\r\nContent-Length: 4\r\n\r\nwxyz" +
  "GET /3 HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n";

/** What the upstream and the client see when the requests arrive in these pieces. */
async function served(text: string, cuts: readonly number[]) {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({ originPort: origin.port });
  using client = await RawClient.connect(engine.port);
  await sendPieces(client.socket, piecesOf(text, cuts));
  const heard = withoutDate(await client.hearsEnd());
  // How a body was cut into chunks is not part of what it says.
  return { received: joinChunks(origin.received), heard };
}

function joinChunks(text: string): string {
  let joined = "";
  let rest = text;
  for (;;) {
    const match = /\r\n\r\n((?:[1-9a-f][0-9a-f]*\r\n[a-d]+\r\n)+)0\r\n/.exec(rest);
    if (match === null) return joined + rest;
    const body = (match[1] ?? "").replaceAll(/[0-9a-f]+\r\n([a-d]+)\r\n/g, "$1");
    joined += `${rest.slice(0, match.index)}\r\n\r\n[${body}]`;
    rest = rest.slice(match.index + match[0].length);
  }
}

test("requests cut in two at any byte are the same requests", async () => {
  const whole = await served(requests, []);
  assert.equal(whole.heard.match(/200 OK/g)?.length, 3);
  assert.match(
    whole.received,
    /POST \/a%2Fb\/c\?d [\s\S]*\[abcd\]X-Sum: 1\r\n\r\nPUT [\s\S]*wxyzGET \/3/,
  );
  for (let at = 1; at < requests.length; at += 1) {
    assert.deepEqual(await served(requests, [at]), whole, `cut at ${at}`);
  }
});

test("requests that come byte by byte are the same requests", async () => {
  const cuts = Array.from({ length: requests.length - 1 }, (_, index) => index + 1);
  assert.deepEqual(await served(requests, cuts), await served(requests, []));
});

const responses: readonly string[] = [
  "HTTP/1.1 200 OK\r\nX-A:  1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd",
];

async function relayed(response: string, cuts: readonly number[]): Promise<string> {
  await using origin = await OriginRecorder.start((_request, { socket }) => {
    void sendPieces(socket, piecesOf(response, cuts));
    return undefined;
  });
  await using engine = await HttpEngine.start({ originPort: origin.port });
  const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const heard = withoutDate(await RawClient.exchange(engine.port, request));
  assert.equal(engine.upstream.idleConnections, 1, "the upstream connection is kept");
  return joinChunks(heard);
}

test("responses cut in two at any byte are the same responses", async () => {
  for (const response of responses) {
    const whole = await relayed(response, []);
    assert.match(whole, /200 OK[\s\S]*abcd/);
    for (let at = 1; at < response.length; at += 1) {
      assert.equal(await relayed(response, [at]), whole, `cut at ${at}`);
    }
  }
});

test("responses that come byte by byte are the same responses", async () => {
  for (const response of responses) {
    const cuts = Array.from({ length: response.length - 1 }, (_, index) => index + 1);
    assert.equal(await relayed(response, cuts), await relayed(response, []));
  }
});

const heads = fc.constantFrom(
  requests,
  "GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n",
  "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
  "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X\r\nX: 1\r\n\r\n",
);

test("good or bad, a stream means the same in any pieces", async () => {
  await fc.assert(
    fc.asyncProperty(heads, fc.array(fc.nat(1_000), { maxLength: 6 }), async (text, cuts) => {
      const whole = await served(text, []);
      const cut = await served(
        text,
        cuts.map((place) => place % text.length),
      );
      assert.equal(cut.heard, whole.heard);
      // A head whose body breaks may have gone upstream, or not, but nothing else may.
      if (!whole.heard.includes("400")) assert.equal(cut.received, whole.received);
    }),
    { numRuns: 40 },
  );
});

test("an upstream that answers before it has read the request's body is passed on", async () => {
  await using origin = await OriginRecorder.start();
  await using engine = await HttpEngine.start({ originPort: origin.port });
  using client = await RawClient.connect(engine.port);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  const answer = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const [connection] = origin.connections;
      if (connection === undefined) return;
      clearInterval(timer);
      connection.socket.write(okAnswer, "latin1");
      resolve();
    }, 1);
  });
  await answer;
  await client.hears(/200 OK[\s\S]*ok$/);
  client.send("defghijGET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assert.equal((await client.hearsEnd()).match(/200 OK/g)?.length, 2);
});

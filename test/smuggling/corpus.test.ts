/** The corpus over sockets: a real worker between a client and an origin that both keep every byte. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { routerOf, serviceOf, webEntryPoint } from "../support/data-plane-resources.ts";
import { OriginRecorder } from "../support/origin-recorder.ts";
import { RawClient } from "../support/raw-client.ts";
import { TrafficWorkerThread } from "../support/traffic-worker.ts";
import { until } from "../support/until.ts";
import { corpus } from "./corpus.ts";
import { problemOf } from "./judge-outcome.ts";
import { nextAnswer, nextRequest, type Outcome } from "./memory-gateway.ts";
import { okAnswer, type RequestCase, type ResponseCase, type StreamCase } from "./stream-case.ts";

const origin = await OriginRecorder.start();
const worker = await TrafficWorkerThread.start();
const port = await worker.listen();
await worker.apply([webEntryPoint(), routerOf("all")], { full: true });
after(async () => {
  await worker[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});
let serviceCount = 0;

/** Every stream has upstream connections of its own: another spelling of the address is another server. */
async function withOwnUpstream(run: () => Promise<string>): Promise<Outcome> {
  serviceCount += 1;
  const server = { port: origin.port, authority: `upstream-${serviceCount}` };
  assert.deepEqual(await worker.apply([serviceOf("app", [server])]), []);
  const before = origin.connections.length;
  const client = await run();
  const upstreams = origin.connections.slice(before).map(({ received }) => received);
  return { upstreams, client: withoutDate(client), isClientEnded: true };
}

const withoutDate = (text: string) => text.replaceAll(/Date: [^\r\n]*\r\n/g, "");

async function sendRequest({ sent, endsHalf }: RequestCase): Promise<string> {
  origin.answerWith((request) => (request.startsWith("HEAD ") ? okAnswer.slice(0, -2) : okAnswer));
  using client = await RawClient.connect(port);
  client.send(sent);
  if (endsHalf) client.socket.end();
  return await client.hearsEnd();
}

/** Early: when the head has arrived, whatever is missing of the body. */
async function answerEarly({ answered, endsConnection }: ResponseCase, before: number) {
  const { socket } = await until("a head upstream", () =>
    origin.connections.slice(before).find(({ received }) => received.includes("\r\n\r\n")),
  );
  socket.write(answered, "latin1");
  if (endsConnection) socket.end();
}

async function sendResponse(stream: ResponseCase): Promise<string> {
  const { asked, answered, rest } = stream;
  let isFirst = rest === undefined;
  origin.answerWith((_request, { socket }) => {
    if (!isFirst) return nextAnswer;
    isFirst = false;
    socket.write(answered, "latin1");
    if (stream.endsConnection) socket.end();
    return undefined;
  });
  const before = origin.connections.length;
  using client = await RawClient.connect(port);
  client.send(asked);
  if (rest !== undefined) await answerEarly(stream, before);
  const { length } = stream.client;
  const isAnswered = () => client.isEnded || withoutDate(client.received).length >= length;
  if (rest !== undefined) {
    await until(`an answer to ${stream.what}`, isAnswered);
    client.send(rest);
  }
  if (stream.next === "none") {
    // Of a tunnel each half ends by itself.
    await client.hearsEnd();
    client.socket.end();
    return client.received;
  }
  await until(`an answer to ${stream.what}`, isAnswered);
  client.send(nextRequest);
  return await client.hearsEnd();
}

function serve(stream: StreamCase): Promise<Outcome> {
  return withOwnUpstream(() =>
    stream.kind === "request" ? sendRequest(stream) : sendResponse(stream),
  );
}

for (const [name, streams] of Object.entries(corpus)) {
  test(`${name}: what comes out of a worker`, async () => {
    for (const stream of streams) {
      const problem = problemOf(stream, await serve(stream));
      assert.equal(problem, undefined, `${stream.what}: ${problem}`);
    }
  });
}

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

async function sendResponse(stream: ResponseCase): Promise<string> {
  let isFirst = true;
  origin.answerWith((_request, { socket }) => {
    if (!isFirst) return nextAnswer;
    isFirst = false;
    socket.write(stream.answered, "latin1");
    if (stream.endsConnection) socket.end();
    return undefined;
  });
  using client = await RawClient.connect(port);
  client.send(stream.asked);
  if (stream.next === "none") {
    // Of a tunnel each half ends by itself.
    await client.hearsEnd();
    client.socket.end();
    return client.received;
  }
  const { length } = stream.client;
  await until(
    `an answer to ${stream.what}`,
    () => client.isEnded || withoutDate(client.received).length >= length,
  );
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

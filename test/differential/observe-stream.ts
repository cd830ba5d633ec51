/** Sends a stream of the corpus through a gateway and says what the two sides made of it. */
import { setTimeout as delay } from "node:timers/promises";
import { type NaiveMessage, readRequests, UnsureError, valuesOf } from "../fuzz/naive-http.ts";
import { nextAnswer, nextRequest } from "../smuggling/memory-gateway.ts";
import { okAnswer, type StreamCase } from "../smuggling/stream-case.ts";
import { RawClient } from "../support/raw-client.ts";
import type { Gateway } from "./gateways.ts";

export interface Observation {
  /** Final statuses the client received. */
  readonly statuses: readonly string[];
  /** Requests the origin received whole, each as `METHOD target host [body]`; "?": bytes that are no request. */
  readonly requests: readonly string[];
  /** Names of the fields and trailers of those that are not a gateway's own, in order of the alphabet. */
  readonly fields: readonly string[];
  /** Everything the client received. */
  readonly client: string;
}

/** A gateway that says nothing for so long waits for more. */
const quietMs = 100;

export async function observe(gateway: Gateway, stream: StreamCase): Promise<Observation> {
  const { origin, port } = gateway;
  const before = origin.connections.map(({ received }) => received.length);
  answerFrom(gateway, stream);
  using client = await RawClient.connect(port);
  client.send(stream.kind === "request" ? stream.sent : stream.asked);
  await quiet(client);
  if (stream.kind === "response" && !client.isEnded) {
    client.send(nextRequest);
    await quiet(client);
  }
  if (!client.isEnded) {
    client.socket.end();
    await quiet(client);
  }
  const received = origin.connections.map((connection, index) =>
    connection.received.slice(before[index] ?? 0),
  );
  const statuses = [...client.received.matchAll(/HTTP\/1\.1 ([2-5]\d\d)/g)].map(
    ([, status = ""]) => status,
  );
  const requests = received.flatMap(requestsOf);
  const fields = received.flatMap(fieldsOf).toSorted();
  return { statuses, requests, fields, client: client.received };
}

function answerFrom({ origin }: Gateway, stream: StreamCase): void {
  if (stream.kind === "request") {
    origin.answerWith((request) =>
      request.startsWith("HEAD ") ? okAnswer.slice(0, -2) : okAnswer,
    );
    return;
  }
  let isFirst = true;
  origin.answerWith((_request, { socket }) => {
    if (!isFirst) return nextAnswer;
    isFirst = false;
    socket.write(stream.answered, "latin1");
    if (stream.endsConnection) socket.end();
    return undefined;
  });
}

async function quiet(client: RawClient): Promise<void> {
  for (let heard = -1; heard !== client.received.length && !client.isEnded; ) {
    heard = client.received.length;
    await delay(quietMs);
  }
}

function requestsOf(received: string): string[] {
  if (received === "") return [];
  try {
    const { messages, rest } = readRequests(received);
    const requests = messages.map(({ start, fields, body }) => {
      const host = valuesOf(fields, "host").join("+");
      return `${start} ${host}${body === "" ? "" : ` [${body}]`}`;
    });
    return rest === "refused" ? [...requests, "?"] : requests;
  } catch (error) {
    if (error instanceof UnsureError) return ["?"];
    throw error;
  }
}

/** What every gateway writes as it likes. */
const ownFields =
  /^(?:host|connection|content-length|transfer-encoding|x-forwarded-.*|x-real-ip|via|te|upgrade)$/;

/** Absent where the bytes are no requests: they have no fields to compare. */
function fieldsOf(received: string): string[] {
  try {
    return readRequests(received).messages.flatMap(namesOf);
  } catch (error) {
    if (error instanceof UnsureError) return [];
    throw error;
  }
}

export function namesOf({ fields, trailers }: NaiveMessage): string[] {
  const names = fields.map(([name]) => name.toLowerCase()).filter((name) => !ownFields.test(name));
  return [...names, ...trailers.map(([name]) => `trailer ${name.toLowerCase()}`)];
}

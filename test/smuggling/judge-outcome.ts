/** What is wrong with what came out of a stream, in words; undefined when nothing is. */
import { joinChunks } from "./join-chunks.ts";
import { nextHeard, type Outcome, requestLength } from "./memory-gateway.ts";
import { forwarded, type RequestCase, type ResponseCase, type StreamCase } from "./stream-case.ts";

const forwardedNext = forwarded("GET /next", { host: "n" });

export function problemOf(stream: StreamCase, outcome: Outcome): string | undefined {
  return stream.kind === "request"
    ? problemOfRequest(stream, outcome)
    : problemOfResponse(stream, outcome);
}

function problemOfRequest(stream: RequestCase, { upstreams, client }: Outcome): string | undefined {
  const received = joinChunks(upstreams.join(""));
  const heard = withoutContinue(stream, client);
  const expected = joinChunks(stream.upstream);
  if (!stream.isCutShort) {
    return difference("upstream", received, expected) ?? difference("client", heard, stream.client);
  }
  // Pieces of a body go as they come: what is joined here may have been any beginning of it.
  if (upstreams.some((text) => requestLength(text) !== -1)) {
    return `the upstream received a whole request: ${JSON.stringify(received)}`;
  }
  const headEnd = expected.indexOf("\r\n\r\n") + 4;
  if (received.slice(0, headEnd) !== expected.slice(0, received.length).slice(0, headEnd)) {
    return difference("upstream", received, expected);
  }
  return difference("client", heard, stream.client);
}

const goOn = "HTTP/1.1 100 Continue\r\n\r\n";

/** Whether a body that is expected comes with its head is a matter of how the stream is cut. */
function withoutContinue({ sent }: RequestCase, client: string): string {
  const isExpecting = /expect:[ \t]*100-continue/i.test(sent);
  return isExpecting && client.startsWith(goOn) ? client.slice(goOn.length) : client;
}

function problemOfResponse(stream: ResponseCase, outcome: Outcome): string | undefined {
  const { upstreams, client } = outcome;
  const expected = joinChunks(stream.client + (stream.next === "none" ? "" : nextHeard));
  const heard = joinChunks(client);
  const isBeginning = stream.isCutShort && isBeginningOf(heard, expected);
  const problem = isBeginning ? undefined : difference("client", heard, expected);
  if (problem !== undefined) return problem;
  const [first = "", second] = upstreams;
  const isOnFirst = first.endsWith(forwardedNext);
  const next = isOnFirst ? "same" : second === forwardedNext ? "other" : "none";
  if (next !== stream.next) return `the next request goes to ${next}, not to ${stream.next}`;
  return upstreams.length > 2 ? `there are ${upstreams.length} upstream connections` : undefined;
}

/** Of the head, or of what the chunks hold behind it. */
function isBeginningOf(heard: string, expected: string): boolean {
  const headEnd = expected.indexOf("\r\n\r\n") + 4;
  if (heard.length <= headEnd) return expected.startsWith(heard);
  const [body, whole] = [heard, expected].map((text) => text.slice(headEnd).split("\r\n"));
  return (
    expected.startsWith(heard.slice(0, headEnd)) &&
    body?.length === 3 &&
    (whole?.[1] ?? "").startsWith(body[1] ?? "")
  );
}

function difference(side: string, actual: string, expected: string): string | undefined {
  if (actual === expected) return undefined;
  const shown = [actual, expected].map((text) => JSON.stringify(text.slice(0, 1_500)));
  return `the ${side} received ${shown[0]} instead of ${shown[1]}`;
}

/** Who takes what: one stream as two gateways treat it. */
import { readResponses, UnsureError } from "../fuzz/naive-http.ts";
import type { StreamCase } from "../smuggling/stream-case.ts";
import { toldApart } from "./class-notes.ts";
import type { Observation } from "./observe-stream.ts";

/**
 * same: nothing of note. stricter: the peer passes on what we do not. spelling: both pass it on, but not alike. told: the
 * peer refuses what we take, for a reason of its own. lenient: the same without a reason: a mistake of ours.
 */
export type Verdict = "same" | "stricter" | "spelling" | "told" | "lenient";

export interface Comparison {
  readonly verdict: Verdict;
  /** Why a peer's refusal is not ours. */
  readonly reason?: string;
}

export function compare(
  className: string,
  stream: StreamCase,
  ours: Observation,
  peers: Observation,
): Comparison {
  const passed =
    stream.kind === "request"
      ? comparedRequests(ours, peers)
      : comparedResponses(stream.asked, ours, peers);
  if (passed !== "lenient") return { verdict: passed };
  const reason = toldApart.find(
    ([name, begins]) => name === className && stream.what.startsWith(begins),
  )?.[2];
  return reason === undefined ? { verdict: "lenient" } : { verdict: "told", reason };
}

function comparedRequests(
  { requests: ours }: Observation,
  { requests: theirs }: Observation,
): Verdict {
  const [mine, other] = [ours.toSorted(), theirs.toSorted()];
  if (mine.join("\n") === other.join("\n")) return "same";
  if (mine.length === other.length) return "spelling";
  return mine.length < other.length ? "stricter" : "lenient";
}

/** The first final response, if the client got one that is whole and the upstream's. */
export function firstResponse(asked: string, { client }: Observation): string | undefined {
  if (/HTTP\/1\.1 101 /.test(client)) return "101";
  try {
    const method = asked.startsWith("HEAD") ? "HEAD" : "GET";
    const { messages } = readResponses(client, [method, "GET"]);
    const final = messages.find(({ start }) => !start.startsWith("1"));
    if (final === undefined || /^50[024]/.test(final.start)) return undefined;
    return `${final.start.slice(0, 3)} ${final.body}`;
  } catch (error) {
    if (error instanceof UnsureError) return "unsure";
    throw error;
  }
}

function comparedResponses(asked: string, ours: Observation, theirs: Observation): Verdict {
  if (theirs.requests.length === 0) return "same"; // the peer has refused to ask
  const [mine, other] = [ours, theirs].map((observation) => firstResponse(asked, observation));
  if (mine === other) return "same";
  if (mine === undefined) return "stricter";
  return other === undefined ? "lenient" : "spelling";
}

/** In a word or two. */
export function outcomeOf(stream: StreamCase, observation: Observation): string {
  const { requests, statuses, client } = observation;
  if (stream.kind === "response") {
    const first = firstResponse(stream.asked, observation);
    if (first !== undefined) return `passed on: ${first.trim()}`;
    return statuses[0]?.startsWith("50") === true ? `${statuses[0]}` : "cut off";
  }
  const forwarded = requests.filter((request) => request !== "GET /last z");
  if (forwarded.length > 0) return `forwarded: ${forwarded.join("; ")}`;
  if (statuses.length > 0) return statuses.at(-1) ?? "";
  return client === "" ? "closed" : "answered";
}

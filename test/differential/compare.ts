/** Who takes what: one stream as two gateways treat it. */
import { readResponses, UnsureError } from "../fuzz/naive-http.ts";
import type { StreamCase } from "../smuggling/stream-case.ts";
import { toldApart } from "./class-notes.ts";
import { namesOf, type Observation } from "./observe-stream.ts";

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

function comparedRequests(ours: Observation, theirs: Observation): Verdict {
  const [mine, other] = [ours.requests.toSorted(), theirs.requests.toSorted()];
  if (mine.join("\n") === other.join("\n")) return comparedFields(ours.fields, theirs.fields);
  if (mine.length === other.length) return "spelling";
  return mine.length < other.length ? "stricter" : "lenient";
}

/** Both say the same otherwise: who of them passes on fields that the other does not? */
function comparedFields(mine: readonly string[], other: readonly string[]): Verdict {
  if (mine.some((name) => !other.includes(name))) return "lenient";
  return other.some((name) => !mine.includes(name)) ? "stricter" : "same";
}

interface FirstResponse {
  readonly text: string;
  readonly fields: readonly string[];
}

/** What any server says of itself. */
const ownResponseFields = new Set(["date", "server"]);

/** The first final response, if the client got one that is whole and the upstream's. */
export function firstResponse(asked: string, { client }: Observation): FirstResponse | undefined {
  if (/HTTP\/1\.1 101 /.test(client)) return { text: "101", fields: [] };
  try {
    const method = asked.startsWith("HEAD") ? "HEAD" : "GET";
    const { messages } = readResponses(client, [method, "GET"]);
    const final = messages.find(({ start }) => !start.startsWith("1"));
    if (final === undefined || /^50[024]/.test(final.start)) return undefined;
    const fields = namesOf(final).filter((name) => !ownResponseFields.has(name));
    return { text: `${final.start.slice(0, 3)} ${final.body}`, fields };
  } catch (error) {
    if (error instanceof UnsureError) return { text: "unsure", fields: [] };
    throw error;
  }
}

function comparedResponses(asked: string, ours: Observation, theirs: Observation): Verdict {
  if (theirs.requests.length === 0) return "same"; // the peer has refused to ask
  const [mine, other] = [ours, theirs].map((observation) => firstResponse(asked, observation));
  if (mine === undefined) return other === undefined ? "same" : "stricter";
  if (other === undefined) return "lenient";
  return mine.text === other.text ? comparedFields(mine.fields, other.fields) : "spelling";
}

/** In a word or two. */
export function outcomeOf(stream: StreamCase, observation: Observation): string {
  const { requests, statuses, client, fields } = observation;
  if (stream.kind === "response") {
    const first = firstResponse(stream.asked, observation);
    if (first !== undefined) return `passed on: ${first.text.trim()}${withFields(first.fields)}`;
    return statuses[0]?.startsWith("50") === true ? `${statuses[0]}` : "cut off";
  }
  const forwarded = requests.filter((request) => request !== "GET /last z");
  if (forwarded.length > 0) return `forwarded: ${forwarded.join("; ")}${withFields(fields)}`;
  if (statuses.length > 0) return statuses.at(-1) ?? "";
  return client === "" ? "closed" : "answered";
}

function withFields(fields: readonly string[]): string {
  return fields.length === 0 ? "" : `, with ${[...new Set(fields)].join(", ")}`;
}

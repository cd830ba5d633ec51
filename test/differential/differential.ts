/**
 * `npm run test:differential [-- --write]`: the corpus through this gateway, nginx and HAProxy. Prints every
 * disagreement; with `--write` the lists in docs/http.md are those of this run. Exit 1 when a peer refuses what we take
 * without a reason that is written down. Two minutes; needs no more than the packages' files.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { corpus } from "../smuggling/corpus.ts";
import type { StreamCase } from "../smuggling/stream-case.ts";
import { classNotes } from "./class-notes.ts";
import { type Comparison, compare, outcomeOf } from "./compare.ts";
import { type Gateway, startGateways } from "./gateways.ts";
import { type Observation, observe } from "./observe-stream.ts";

interface Row {
  readonly className: string;
  readonly stream: StreamCase;
  readonly observations: readonly Observation[];
  /** Of each peer. */
  readonly comparisons: readonly Comparison[];
}

const document = join(import.meta.dirname, "../../docs/http.md");
const marks = ["<!-- disagreements -->", "<!-- end of disagreements -->"] as const;

/** Sizes are about limits, which everyone has his own of; nginx reads whole requests before it asks anyone. */
const leftOut = ["sizes", "early responses"];
const streams = Object.entries(corpus)
  .filter(([name]) => !leftOut.includes(name))
  .flatMap(([className, cases]) => cases.map((stream) => ({ className, stream })));

async function observeAll(gateway: Gateway): Promise<Observation[]> {
  const observations: Observation[] = [];
  for (const { stream } of streams) observations.push(await observe(gateway, stream));
  return observations;
}

function rowOf(index: number, observations: readonly Observation[]): Row {
  const { className, stream } = streams[index] ?? {};
  const [ours, ...others] = observations;
  if (className === undefined || stream === undefined || ours === undefined) {
    throw new Error("Cannot compare: nothing was observed");
  }
  const comparisons = others.map((peer) => compare(className, stream, ours, peer));
  return { className, stream, observations, comparisons };
}

const isLenient = ({ comparisons }: Row) =>
  comparisons.some(({ verdict }) => verdict === "lenient");

async function rowsOf(gateways: readonly Gateway[]): Promise<Row[]> {
  const all = await Promise.all(gateways.map(observeAll));
  const rows: Row[] = [];
  for (const index of streams.keys()) {
    const row = rowOf(
      index,
      all.flatMap((observed) => observed.slice(index, index + 1)),
    );
    // A busy machine can make a peer look silent: what would be a mistake of ours is looked at once more, alone.
    const again: Observation[] = [];
    if (isLenient(row)) {
      for (const gateway of gateways) again.push(await observe(gateway, row.stream));
    }
    rows.push(again.length === 0 ? row : rowOf(index, again));
  }
  return rows;
}

/** Nothing in a cell may end it, or the line. */
function cell(text: string): string {
  const shown = [...text.slice(0, 70)]
    .map((one) =>
      /[ -~]/.test(one) ? one : `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`,
    )
    .join("");
  return shown.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function summary(rows: readonly Row[], peers: readonly string[]): string {
  const head = `| against | streams | as we do | we are stricter | spelled otherwise | the peer is stricter, told below |\n|---|---|---|---|---|---|\n`;
  return (
    head +
    peers
      .map((peer, index) => {
        const count = (verdict: Comparison["verdict"]) =>
          rows.filter(({ comparisons }) => comparisons[index]?.verdict === verdict).length;
        return `| ${peer} | ${rows.length} | ${count("same")} | ${count("stricter")} | ${count("spelling")} | ${count("told")} |\n`;
      })
      .join("")
  );
}

function listOf(rows: readonly Row[], names: readonly string[]): string {
  let text = "";
  for (const [className, { paragraph, danger }] of Object.entries(classNotes)) {
    const disagreed = rows.filter(
      (row) =>
        row.className === className && row.comparisons.some(({ verdict }) => verdict !== "same"),
    );
    if (disagreed.length === 0) continue;
    text += `\n### ${className}\n\n${paragraph}. What it could be used for: ${danger}.\n\n`;
    text += `| stream | ${names.join(" | ")} |\n|${"---|".repeat(names.length + 1)}\n`;
    for (const { stream, observations, comparisons } of disagreed) {
      const cells = observations.map((observation, index) => {
        const comparison = comparisons[index - 1];
        if (comparison?.verdict === "same") return "the same";
        return cell(outcomeOf(stream, observation));
      });
      text += `| ${cell(stream.what)} | ${cells.join(" | ")} |\n`;
    }
    const reasons = new Set(
      disagreed.flatMap(({ comparisons }) => comparisons.flatMap(({ reason }) => reason ?? [])),
    );
    if (reasons.size > 0) text += "\nWhere a peer refuses and we do not:\n\n";
    for (const reason of reasons) text += `- ${reason}.\n`;
  }
  return text;
}

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
await using stack = new AsyncDisposableStack();
const gateways = await startGateways(stack);
const names = gateways.map(({ name }) => name);
if (gateways.length < 3) {
  process.stderr.write(`Only ${names.join(", ")}: nothing is proven without the peers\n`);
  process.exitCode = 1;
}
const rows = await rowsOf(gateways);
const report = `${summary(rows, names.slice(1))}${listOf(rows, names)}`;
process.stdout.write(report);
for (const { className, stream, comparisons } of rows) {
  for (const [index, { verdict }] of comparisons.entries()) {
    if (verdict !== "lenient") continue;
    process.stderr.write(
      `${names[index + 1]} refuses, or drops, what we take: ${className}, ${stream.what}\n`,
    );
    process.exitCode = 1;
  }
}
if (values.write) {
  const [start, end] = marks;
  const [before = "", rest = ""] = readFileSync(document, "utf8").split(start);
  const [, behind = ""] = rest.split(end);
  writeFileSync(document, `${before}${start}\n\n${report}\n${end}${behind}`);
}

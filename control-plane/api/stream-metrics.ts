/** What the streams of this control plane have done, and where each data plane stands, as metrics. */
import type { Registry } from "prom-client";
import type { NodeStatus } from "../stream/fleet-status.ts";
import type { StreamCounts } from "../stream/stream-counts.ts";

interface StreamFigures {
  readonly counts: Readonly<StreamCounts>;
  readonly nodes: () => readonly NodeStatus[];
}

/** `prom` is the library, which is loaded with the first question only. */
export function registerStreamMetrics(
  { Gauge, Counter }: typeof import("prom-client"),
  registry: Registry,
  { counts, nodes }: StreamFigures,
): void {
  const registers = [registry];
  const counter = (name: string, help: string, value: () => number) =>
    new Counter({
      name: `switchyard_stream_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  counter("full_transfers", "Transfers of everything", () => counts.fullTransfers);
  counter("deltas", "Transfers of what changed", () => counts.deltas);
  counter("bytes", "Bytes of transfers handed to the transport", () => counts.bytes);
  counter(
    "repairs",
    "Full transfers that became due because something was not as it had to be",
    () => counts.repairs,
  );
  counter("failures", "Transfers that data planes could not use", () => counts.failures);
  counter("delayed", "Streams not let in because too many came at once", () => counts.delayed);
  counter(
    "silent",
    "Streams ended because the data plane did not read or did not speak",
    () => counts.silent,
  );

  const gauge = (
    name: string,
    help: string,
    value: (node: NodeStatus, nowMs: number) => number | undefined,
  ) =>
    new Gauge({
      name: `switchyard_node_${name}`,
      help,
      labelNames: ["node"],
      registers,
      collect() {
        this.reset();
        const nowMs = Date.now();
        for (const node of nodes()) {
          const found = value(node, nowMs);
          if (found !== undefined) this.set({ node: node.nodeId }, found);
        }
      },
    });
  gauge("generation", "Number of the generation the data plane holds", ({ held }) =>
    held === undefined ? undefined : Number(held.generation.number),
  );
  gauge("in_sync", "1 when it serves all of the newest generation", ({ inSync }) => Number(inSync));
  gauge(
    "rejected_resources",
    "Resources it holds and does not serve",
    ({ rejected, refused }) => rejected.length + refused.length,
  );
  gauge("repairs", "Repairs on its present stream", ({ repairs }) => repairs);
  gauge(
    "convergence_seconds",
    "Of its last transfer: from the first byte sent to the report that it serves",
    ({ timings }) => (timings?.roundTripMs === undefined ? undefined : timings.roundTripMs / 1_000),
  );
  gauge(
    "stream_age_seconds",
    "For how long its present stream has been open",
    ({ connectedAtMs }, nowMs) => (nowMs - connectedAtMs) / 1_000,
  );
  gauge(
    "contact_age_seconds",
    "How long ago it was heard last",
    ({ heardAtMs }, nowMs) => (nowMs - heardAtMs) / 1_000,
  );
}

/** What a data plane tells about itself: probes, metrics, and the snapshot it serves. No secrets: names and reasons only. */

import type { Generation } from "../../config-model/snapshot/generation.ts";
import {
  type SourceDigests,
  sourcesAsJson,
} from "../../config-model/snapshot/source-digests-text.ts";
import { type AdminPage, jsonAnswer, textAnswer } from "../../foundation/admin/admin-page.ts";
import { ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type { RejectedResource } from "../worker/worker-protocol.ts";
import type { ProcessTotals } from "./counter-totals.ts";
import { type Metric, metricsContentType, metricText, requestMetricsText } from "./metrics-text.ts";
import { udpMetrics } from "./udp-metrics.ts";

export interface ReportedNode {
  readonly running:
    | {
        readonly generation: Generation;
        readonly digest: Uint8Array;
        readonly sources: SourceDigests;
      }
    | undefined;
  readonly resources: number;
  /** What it holds has been switched in. */
  readonly isServing: boolean;
  readonly isDraining: boolean;
  readonly boundListeners: number;
  readonly workers: number;
  readonly source: "stream" | "cache";
  /** Since a control plane last confirmed the state; undefined: never. */
  readonly confirmedAgeMs: number | undefined;
  /** Since a control plane was last heard; undefined: never. */
  readonly heardAgeMs: number | undefined;
  readonly counts: {
    readonly applied: number;
    readonly failed: number;
    readonly digestMismatches: number;
    readonly persistFailures: number;
  };
  rejected(): readonly RejectedResource[];
  totals(): Promise<ProcessTotals>;
  /** Service of a router that is held. */
  serviceOf(router: string): string;
}

export interface NodePagesOptions {
  /** 0: age never ends readiness. */
  readonly readyMaxAgeMs: number;
  /** Request metrics per router as well. */
  readonly routerMetrics: boolean;
}

export function nodePages(
  node: ReportedNode,
  { readyMaxAgeMs, routerMetrics }: NodePagesOptions,
): ReadonlyMap<string, AdminPage> {
  return new Map<string, AdminPage>([
    ["/livez", async () => textAnswer(200, "ok")],
    [
      "/readyz",
      async () => {
        const reason = unready(node, readyMaxAgeMs);
        return reason === undefined ? textAnswer(200, "ok") : textAnswer(503, reason);
      },
    ],
    ["/snapshot", async () => jsonAnswer(snapshotReport(node))],
    [
      "/metrics",
      async () => ({
        status: 200,
        contentType: metricsContentType,
        body: await metrics(node, routerMetrics),
      }),
    ],
  ]);
}

/** Why the node is not ready; undefined when it is. */
function unready(node: ReportedNode, maxAgeMs: number): string | undefined {
  if (node.isDraining) return "draining";
  if (!node.isServing) return "no snapshot serves yet";
  if (node.boundListeners === 0) return "no entry point is bound";
  const ageMs = node.confirmedAgeMs ?? Number.POSITIVE_INFINITY;
  if (maxAgeMs > 0 && ageMs > maxAgeMs) {
    return `the state was last confirmed ${Math.round(ageMs / 1_000)} s ago, more than --ready-max-age allows`;
  }
  return undefined;
}

function snapshotReport(node: ReportedNode) {
  const { running, source, confirmedAgeMs } = node;
  return {
    epoch: jsonNumber(running?.generation.epoch),
    generation: jsonNumber(running?.generation.number),
    digest: running === undefined ? null : Buffer.from(running.digest).toString("hex"),
    sources: running === undefined ? {} : sourcesAsJson(running.sources),
    source,
    ageSeconds: confirmedAgeMs === undefined ? null : Math.round(confirmedAgeMs / 100) / 10,
    rejected: node.rejected().map(({ resourceKind, name, reason }) => ({
      kind: kindName(resourceKind),
      name,
      reason,
    })),
  };
}

/** A number where JSON readers can hold it, its digits otherwise. */
function jsonNumber(value: bigint | undefined): number | string | null {
  if (value === undefined) return null;
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}

const kindNames = new Map(
  Object.entries(ResourceKind).map(([name, kind]) => [kind, name.toLowerCase()]),
);

function kindName(kind: ResourceKind): string {
  return kindNames.get(kind) ?? String(kind);
}

async function metrics(node: ReportedNode, withRouters: boolean): Promise<string> {
  const totals = await node.totals();
  const families = [...nodeMetrics(node), openConnections(totals), ...udpMetrics(totals.udp)].map(
    metricText,
  );
  families.push(
    requestMetricsText({
      prefix: "traefik_entrypoint",
      what: "entry point",
      totals: totals.entryPoints,
      labelsOf: (entrypoint) => ({ entrypoint }),
    }),
    requestMetricsText({
      prefix: "traefik_service",
      what: "service",
      totals: totals.services,
      labelsOf: (service) => ({ service }),
    }),
  );
  if (withRouters) {
    families.push(
      requestMetricsText({
        prefix: "traefik_router",
        what: "router",
        totals: totals.routers,
        labelsOf: (router) => ({ router, service: node.serviceOf(router) }),
      }),
    );
  }
  return families.join("");
}

function openConnections(totals: ProcessTotals): Metric {
  return {
    name: "traefik_open_connections",
    help: "Connections that are open, by entry point.",
    type: "gauge",
    samples: [...totals.openConnections].map(([entrypoint, value]) => {
      return { labels: { entrypoint, protocol: "TCP" }, value };
    }),
  };
}

function nodeMetrics(node: ReportedNode): Metric[] {
  const { running, counts } = node;
  const one = (value: number) => [{ value }];
  const seconds = (ms: number | undefined) => (ms === undefined ? [] : one(ms / 1_000));
  return [
    {
      name: "switchyard_generation",
      help: "Number of the generation this node holds.",
      type: "gauge",
      samples: running === undefined ? [] : one(Number(running.generation.number)),
    },
    {
      name: "switchyard_epoch",
      help: "Epoch of the generation this node holds.",
      type: "gauge",
      samples: running === undefined ? [] : one(Number(running.generation.epoch)),
    },
    {
      name: "switchyard_resources",
      help: "Resources this node holds.",
      type: "gauge",
      samples: one(node.resources),
    },
    {
      name: "switchyard_resources_rejected",
      help: "Resources this node holds and does not serve.",
      type: "gauge",
      samples: one(node.rejected().length),
    },
    {
      name: "switchyard_transfers_total",
      help: "Transfers by outcome.",
      type: "counter",
      samples: [
        { labels: { outcome: "serving" }, value: counts.applied },
        { labels: { outcome: "failed" }, value: counts.failed },
      ],
    },
    {
      name: "switchyard_digest_mismatches_total",
      help: "Transfers whose outcome was not the state the control plane meant.",
      type: "counter",
      samples: one(counts.digestMismatches),
    },
    {
      name: "switchyard_persist_failures_total",
      help: "Times last-known-good could not be written.",
      type: "counter",
      samples: one(counts.persistFailures),
    },
    {
      name: "switchyard_control_plane_contact_age_seconds",
      help: "Since a control plane was last heard.",
      type: "gauge",
      samples: seconds(node.heardAgeMs),
    },
    {
      name: "switchyard_snapshot_age_seconds",
      help: "Since a control plane last confirmed the state this node holds.",
      type: "gauge",
      samples: seconds(node.confirmedAgeMs),
    },
    {
      name: "switchyard_workers",
      help: "Traffic workers that run.",
      type: "gauge",
      samples: one(node.workers),
    },
    {
      name: "switchyard_listeners_bound",
      help: "Entry points that have a listener.",
      type: "gauge",
      samples: one(node.boundListeners),
    },
  ];
}

/**
 * The control plane's metrics in the text form of Prometheus. Everything is collected when it is asked for, so nothing
 * is kept twice; the library is loaded with the first question, because a start has no use for it.
 */

import type { AdminPage } from "../../foundation/admin/admin-page.ts";
import type { RemovalHold } from "../guard/removal-hold.ts";
import type { StoreHead } from "../snapshot-store/snapshot-store.ts";
import type { NodeStatus } from "../stream/fleet-status.ts";
import type { StreamCounts } from "../stream/stream-counts.ts";
import { type EtcdFigures, registerEtcdMetrics } from "./etcd-figures.ts";
import { registerStreamMetrics } from "./stream-metrics.ts";

/** Counted since the process started. */
export interface ConfigCounts {
  /** Batches of changes that were compiled. */
  batches: number;
  changes: number;
  upserts: number;
  removals: number;
}

export interface ControlPlaneFigures {
  readonly counts: Readonly<ConfigCounts>;
  readonly diagnosticCounts: () => { readonly errors: number; readonly warnings: number };
  readonly nodes: () => readonly NodeStatus[];
  readonly streamCounts: Readonly<StreamCounts>;
  readonly head: () => StoreHead | undefined;
  readonly holds: () => readonly RemovalHold[];
  /** Absent without an etcd. */
  readonly etcd?: EtcdFigures;
}

export function createConfigCounts(): ConfigCounts {
  return { batches: 0, changes: 0, upserts: 0, removals: 0 };
}

export function metricsPage(figures: ControlPlaneFigures): AdminPage {
  let registry: ReturnType<typeof createRegistry> | undefined;
  return async () => {
    registry ??= createRegistry(figures);
    const { contentType, metrics } = await registry;
    return { status: 200, contentType, body: await metrics() };
  };
}

async function createRegistry({
  counts,
  diagnosticCounts,
  nodes,
  streamCounts,
  head,
  holds,
  etcd,
}: ControlPlaneFigures) {
  const prometheus = await import("prom-client");
  const { Counter, Gauge, Registry } = prometheus;
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, value: () => number) =>
    new Counter({
      name: `switchyard_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  counter("config_batches", "Batches of configuration changes compiled", () => counts.batches);
  counter("config_changes", "Configuration objects that changed", () => counts.changes);
  counter("config_upserts", "Resources compiled anew", () => counts.upserts);
  counter("config_removals", "Resources removed", () => counts.removals);
  new Gauge({
    name: "switchyard_config_diagnostics",
    help: "Diagnostics there are now",
    labelNames: ["severity"],
    registers,
    collect() {
      const { errors, warnings } = diagnosticCounts();
      this.set({ severity: "error" }, errors);
      this.set({ severity: "warning" }, warnings);
    },
  });
  new Gauge({
    name: "switchyard_generation",
    help: "Number of the newest committed generation",
    registers,
    collect() {
      this.set(Number(head()?.generation?.number ?? 0n));
    },
  });
  new Gauge({
    name: "switchyard_fleet_nodes",
    help: "Connected data planes, by whether they serve the newest generation whole",
    labelNames: ["in_sync"],
    registers,
    collect() {
      const all = nodes();
      const inSync = all.filter((node) => node.inSync).length;
      this.set({ in_sync: "true" }, inSync);
      this.set({ in_sync: "false" }, all.length - inSync);
    },
  });
  registerStreamMetrics(prometheus, registry, { counts: streamCounts, nodes });
  if (etcd !== undefined) registerEtcdMetrics(prometheus, registry, etcd);
  new Gauge({
    name: "switchyard_guard_held_objects",
    help: "Objects whose removal the mass-removal guard holds, by provider and state of the hold",
    labelNames: ["provider", "state"],
    registers,
    collect() {
      this.reset();
      for (const { provider, state, objects } of holds()) this.inc({ provider, state }, objects);
    },
  });
  return { contentType: registry.contentType, metrics: () => registry.metrics() };
}

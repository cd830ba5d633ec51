/** What a control plane tells about the fleet: names, positions and reasons, no secrets and no content. */
import type { Diagnostic } from "../../config-model/dynamic/diagnostic.ts";
import type { Generation } from "../../config-model/snapshot/generation.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";
import { sourcesAsJson } from "../../config-model/snapshot/source-digests-text.ts";
import { type AdminPage, jsonAnswer } from "../../foundation/admin/admin-page.ts";
import type { RemovalHold } from "../guard/removal-hold.ts";
import type { Replica } from "../snapshot-store/etcd-log/replica-presence.ts";
import type { StaticState } from "../snapshot-store/etcd-log/static-gate.ts";
import type { GenerationPublisher } from "../snapshot-store/generation-publisher.ts";
import type { StoreHead } from "../snapshot-store/snapshot-store.ts";
import type { NodeStatus } from "../stream/fleet-status.ts";
import { etcdPage } from "./etcd-figures.ts";
import { type ControlPlaneFigures, metricsPage } from "./metrics-page.ts";

export interface FleetPagesInit extends ControlPlaneFigures {
  readonly version: string;
  readonly startedAt: Date;
  readonly diagnostics: () => Iterable<Diagnostic>;
  readonly nodes: () => readonly NodeStatus[];
  /** The newest committed generation; absent until the store has been read. */
  readonly head: () => StoreHead | undefined;
  readonly isLeading: () => boolean;
  /** What of the configuration is not published for its size. */
  readonly sizes: () => GenerationPublisher["sizes"];
  /** Absent: there is nobody to compare it with. */
  readonly staticState: () => StaticState | undefined;
  /** Other control planes on the same store. */
  readonly others: () => readonly Replica[];
}

export function fleetPages(init: FleetPagesInit): ReadonlyMap<string, AdminPage> {
  const { version, startedAt } = init;
  return new Map<string, AdminPage>([
    ["/ping", async () => ({ status: 200, contentType: "text/plain; charset=utf-8", body: "OK" })],
    [
      "/api/version",
      async () =>
        jsonAnswer({
          Version: version,
          Codename: "switchyard",
          startDate: startedAt.toISOString(),
        }),
    ],
    ["/api/fleet/diagnostics", async () => jsonAnswer([...init.diagnostics()])],
    ["/api/fleet/guard", async () => jsonAnswer(init.holds().map(holdReport))],
    ["/api/fleet/status", async () => jsonAnswer(statusReport(init))],
    ["/api/fleet/nodes", async () => jsonAnswer(init.nodes().map(nodeReport))],
    ["/api/fleet/generation", async () => jsonAnswer(generationReport(init.head()))],
    ...(init.etcd === undefined ? [] : ([["/api/fleet/etcd", etcdPage(init.etcd)]] as const)),
    ["/metrics", metricsPage(init)],
  ]);
}

function generationReport(head: StoreHead | undefined) {
  return {
    fleetId: head?.fleetId ?? null,
    ...numbersOf(head?.generation),
    digest: head?.digest === undefined ? null : hex(head.digest),
    sources: head === undefined ? {} : sourcesAsJson(head.sources),
  };
}

function holdReport({ kept, ...hold }: RemovalHold) {
  return { ...hold, kept: kept?.length ?? null };
}

function sizesReport({ bytes, refused, waiting }: GenerationPublisher["sizes"]) {
  return { bytes, waiting: waiting ?? null, refused: refused.map(({ reason }) => reason) };
}

function statusReport(init: FleetPagesInit) {
  const nodes = init.nodes();
  const inSync = nodes.filter((node) => node.inSync).length;
  return {
    ...generationReport(init.head()),
    leading: init.isLeading(),
    static: init.staticState() ?? null,
    otherControlPlanes: init.others(),
    nodes: { connected: nodes.length, inSync },
    holds: init.holds().map(holdReport),
    sizes: sizesReport(init.sizes()),
  };
}

function nodeReport(node: NodeStatus) {
  return {
    id: node.nodeId,
    incarnation: jsonNumber(node.incarnation),
    version: node.version,
    labels: Object.fromEntries(node.labels.map(({ key, value }) => [key, value])),
    address: node.address,
    connectedAt: new Date(node.connectedAtMs).toISOString(),
    heardAt: new Date(node.heardAtMs).toISOString(),
    ...numbersOf(node.held?.generation),
    digest: node.held === undefined ? null : hex(node.held.digest),
    serving: node.serving,
    inSync: node.inSync,
    failure: node.failure ?? null,
    repairs: node.repairs,
    rejected: node.rejected.map(rejectionReport),
    refused: node.refused.map(rejectionReport),
    timings: node.timings === undefined ? null : timingsReport(node.timings),
  };
}

function rejectionReport({ resource, reason, source }: NodeStatus["rejected"][number]) {
  return {
    object: objectKeyOf(resource) ?? { kind: String(resource.kind), name: resource.name },
    reason,
    source: source ?? null,
  };
}

function timingsReport({ generation, ...timings }: NonNullable<NodeStatus["timings"]>) {
  return { ...numbersOf(generation), ...timings };
}

function numbersOf(generation: Generation | undefined) {
  return {
    epoch: generation === undefined ? null : jsonNumber(generation.epoch),
    generation: generation === undefined ? null : jsonNumber(generation.number),
  };
}

/** A number where readers of JSON can hold it, its digits otherwise. */
function jsonNumber(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** What a control plane tells about the etcds it uses: as metrics, and as a page. */
import type { Registry } from "prom-client";
import { type AdminPage, jsonAnswer } from "../../foundation/admin/admin-page.ts";
import type { DatabaseStatus } from "../etcd/etcd-database.ts";
import type { WatchCounts } from "../etcd/watch-prefix.ts";

export interface EtcdFigures {
  /** One for each etcd, by what it is used for; the status is absent until it has answered once. */
  readonly databases: readonly {
    readonly use: string;
    readonly status: () => DatabaseStatus | undefined;
  }[];
  /** Of the etcd provider; absent without one. */
  readonly watch: Readonly<WatchCounts> | undefined;
}

export function etcdPage({ databases, watch }: EtcdFigures): AdminPage {
  return async () =>
    jsonAnswer({
      databases: databases.map(({ use, status }) => ({ use, ...status() })),
      watch: watch ?? null,
    });
}

/** `prom` is the library, which is loaded with the first question only. */
export function registerEtcdMetrics(
  { Gauge, Counter }: typeof import("prom-client"),
  registry: Registry,
  { databases, watch }: EtcdFigures,
): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: (status: DatabaseStatus) => number) =>
    new Gauge({
      name: `switchyard_etcd_${name}`,
      help,
      labelNames: ["use"],
      registers,
      collect() {
        for (const { use, status } of databases) {
          const known = status();
          if (known !== undefined) this.set({ use }, value(known));
        }
      },
    });
  gauge("database_bytes", "Size of etcd's database", ({ sizeBytes }) => sizeBytes);
  gauge("database_in_use_bytes", "What of it holds data", ({ inUseBytes }) => inUseBytes);
  gauge("database_quota_bytes", "How large etcd lets it grow", ({ quotaBytes }) => quotaBytes);
  gauge("database_nearly_full", "1 when 70 % of the quota are used", ({ isNearlyFull }) =>
    Number(isNearlyFull),
  );
  gauge("database_alarms", "Alarms of the member that was asked", ({ alarms }) => alarms.length);
  if (watch === undefined) return;
  const counter = (name: keyof WatchCounts, help: string) =>
    new Counter({
      name: `switchyard_etcd_watch_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(watch[name]);
      },
    });
  counter("lists", "Whole readings of the provider's keys");
  counter("streams", "Watch streams opened by the provider");
  counter("comparisons", "Comparisons of what the provider knows with what etcd has");
  counter("repairs", "Keys the watch had not told of, found by comparing");
}

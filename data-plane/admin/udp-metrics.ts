import type { UdpCounterReport } from "../worker/worker-protocol.ts";
import type { Metric } from "./metrics-text.ts";

export function udpMetrics(totals: readonly UdpCounterReport[]): Metric[] {
  const metric = (
    name: string,
    help: string,
    count: (report: UdpCounterReport) => number,
    type: Metric["type"] = "counter",
  ): Metric => ({
    name: `switchyard_udp_${name}`,
    help,
    type,
    samples: totals.map((report) => ({
      labels: { entrypoint: report.entryPoint },
      value: count(report),
    })),
  });
  return [
    metric("open_sessions", "UDP sessions that are open.", (one) => one.openSessions, "gauge"),
    metric("sessions_total", "UDP sessions that have begun.", (one) => one.sessions),
    metric(
      "evicted_sessions_total",
      "UDP sessions ended because there were too many.",
      (one) => one.evictedSessions,
    ),
    metric(
      "received_datagrams_total",
      "Datagrams that came from clients.",
      (one) => one.receivedDatagrams,
    ),
    metric("sent_datagrams_total", "Datagrams sent to clients.", (one) => one.sentDatagrams),
    metric(
      "dropped_datagrams_total",
      "Datagrams that could not be passed on, in either direction.",
      (one) => one.droppedDatagrams,
    ),
  ];
}

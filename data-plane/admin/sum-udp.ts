import type { UdpCounterReport } from "../worker/worker-protocol.ts";

/** Of several reports, one for each entry point. */
export function sumUdp(reports: Iterable<UdpCounterReport>): readonly UdpCounterReport[] {
  const sums = new Map<string, UdpCounterReport>();
  for (const report of reports) {
    const sum = sums.get(report.entryPoint);
    sums.set(report.entryPoint, sum === undefined ? report : added(sum, report));
  }
  return [...sums.values()];
}

function added(a: UdpCounterReport, b: UdpCounterReport): UdpCounterReport {
  return {
    entryPoint: a.entryPoint,
    openSessions: a.openSessions + b.openSessions,
    sessions: a.sessions + b.sessions,
    evictedSessions: a.evictedSessions + b.evictedSessions,
    receivedDatagrams: a.receivedDatagrams + b.receivedDatagrams,
    sentDatagrams: a.sentDatagrams + b.sentDatagrams,
    droppedDatagrams: a.droppedDatagrams + b.droppedDatagrams,
  };
}

/** Prometheus' text format, version 0.0.4. */
import { durationBucketsSeconds } from "../metrics/request-counters.ts";
import type { RequestTotals } from "./counter-totals.ts";

export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** None: the metric is left out. */
  readonly samples: readonly { readonly labels?: Labels; readonly value: number }[];
}

export function metricText({ name, help, type, samples }: Metric): string {
  if (samples.length === 0) return "";
  const lines = samples.map(({ labels = {}, value }) => sample(name, labels, value));
  return `${head(name, help, type)}${lines.join("")}`;
}

export interface RequestMetricsInit {
  /** `traefik_entrypoint`, `traefik_router`, `traefik_service`. */
  readonly prefix: string;
  readonly what: string;
  readonly totals: RequestTotals;
  /** Labels that name the entry point, router or service. */
  readonly labelsOf: (name: string) => Labels;
}

/** The counter and the histogram of one family, with Traefik's names and labels. */
export function requestMetricsText({ prefix, what, totals, labelsOf }: RequestMetricsInit): string {
  let requests = "";
  let durations = "";
  const durationName = `${prefix}_request_duration_seconds`;
  for (const [name, rows] of totals) {
    const own = labelsOf(name);
    for (const { status, method, count, durationSecondsSum, buckets } of rows) {
      const labels = { code: String(status), method, protocol: "http", ...own };
      requests += sample(`${prefix}_requests_total`, labels, count);
      for (const [index, bound] of durationBucketsSeconds.entries()) {
        const le = { ...labels, le: String(bound) };
        durations += sample(`${durationName}_bucket`, le, buckets[index] ?? 0);
      }
      durations += sample(`${durationName}_bucket`, { ...labels, le: "+Inf" }, count);
      durations += sample(`${durationName}_sum`, labels, durationSecondsSum);
      durations += sample(`${durationName}_count`, labels, count);
    }
  }
  if (requests === "") return "";
  return (
    head(`${prefix}_requests_total`, `Requests handled by ${what}.`, "counter") +
    requests +
    head(durationName, `How long requests took, by ${what}.`, "histogram") +
    durations
  );
}

function head(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

function escapeLabel(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

const otlp = "Traefik v3 has tracing.otlp instead";
const gone = "Traefik v3 has it no more";

/** Keys of Traefik v2 that v3 dropped, by lower-case path: what to say in place of a guess. */
export const removedKeys: ReadonlyMap<string, string> = new Map([
  ["pilot", gone],
  ["hub", gone],
  ["metrics.influxdb", "Traefik v3 has metrics.influxDB2 instead"],
  ["providers.marathon", gone],
  ["providers.rancher", gone],
  ["providers.consul.namespace", "Traefik v3 has namespaces instead"],
  ...["consul", "etcd", "http", "redis"].map((provider) => {
    return [`providers.${provider}.tls.caoptional`, gone] as const;
  }),
  ...["datadog", "elastic", "haystack", "instana", "jaeger", "zipkin"].map((exporter) => {
    return [`tracing.${exporter}`, otlp] as const;
  }),
]);

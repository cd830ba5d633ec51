import {
  allowEmpty,
  always,
  bool,
  degraded,
  duration,
  float,
  free,
  int,
  int64,
  map,
  struct,
  text,
  texts,
} from "../../schema/schema.ts";

export const logSchema = always({
  level: text("info"),
  format: text(),
  filePath: degraded(text()),
  maxSize: degraded(int()),
  maxAge: degraded(int()),
  maxBackups: degraded(int()),
  compress: degraded(bool()),
  noColor: degraded(bool()),
  otlp: degraded(free()),
});

export const accessLogSchema = degraded(
  allowEmpty({
    filePath: text(),
    format: text("common", { values: ["common", "genericCLF", "json"] }),
    filters: struct({ statusCodes: texts(), retryAttempts: bool(), minDuration: duration() }),
    fields: struct({
      defaultMode: text("keep"),
      names: map(text()),
      headers: struct({ defaultMode: text("drop"), names: map(text()) }),
      queryParameters: free(),
    }),
    bufferingSize: int64(),
    addInternals: bool(),
    dualOutput: bool(),
    otlp: free(),
  }),
);

export const metricsSchema = degraded(
  struct({
    addInternals: bool(),
    prometheus: allowEmpty({
      buckets: texts(),
      entryPoint: text("traefik"),
      addEntryPointsLabels: bool(true),
      addRoutersLabels: bool(),
      addServicesLabels: bool(true),
      manualRouting: bool(),
      headerLabels: map(text()),
    }),
    datadog: free(),
    statsD: free(),
    influxDB2: free(),
    otlp: free(),
  }),
);

export const tracingSchema = degraded(
  allowEmpty({
    serviceName: text("traefik"),
    resourceAttributes: map(text()),
    capturedRequestHeaders: texts(),
    capturedResponseHeaders: texts(),
    safeQueryParams: texts(),
    sampleRate: float(1),
    addInternals: bool(),
    otlp: free(),
  }),
);

export const apiSchema = degraded(
  allowEmpty({
    basePath: text("/"),
    insecure: bool(),
    dashboard: bool(true),
    debug: bool(),
    disableDashboardAd: bool(),
    dashboardName: text(),
  }),
);

export const pingSchema = degraded(
  allowEmpty({
    entryPoint: text("traefik"),
    manualRouting: bool(),
    terminatingStatusCode: int(503),
  }),
);

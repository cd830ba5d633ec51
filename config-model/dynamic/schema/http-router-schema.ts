import {
  allowEmpty,
  bool,
  closed,
  degraded,
  int64,
  list,
  struct,
  text,
  texts,
} from "../../schema/schema.ts";

const domains = list(struct({ main: text(), sans: texts() }));

export const routerTlsFields = { options: text(), certResolver: text(), domains };

const observability = struct({
  accessLogs: bool(true),
  metrics: bool(true),
  tracing: bool(true),
  traceVerbosity: text("minimal", { values: ["minimal", "detailed"] }),
});

/** Version 3 is the only rule language built. */
export const ruleSyntax = closed(text("v3", { values: ["v2", "v3"], builtValues: ["v3"] }));

export const httpRouterSchema = struct({
  entryPoints: texts(),
  middlewares: texts(),
  service: text(),
  rule: text(),
  parentRefs: texts(),
  ruleSyntax,
  priority: int64(),
  tls: closed(allowEmpty(routerTlsFields)),
  observability: degraded(observability),
});

export const httpModelSchema = closed(
  struct({ middlewares: texts(), tls: allowEmpty(routerTlsFields), observability }),
);

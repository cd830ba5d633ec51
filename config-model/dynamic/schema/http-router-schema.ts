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

/** Where certificates come from by themselves (ACME), and for which names. */
const issuing = { certResolver: degraded(text()), domains: degraded(domains) };

export const routerTlsFields = { options: text(), ...issuing };

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
  tls: allowEmpty(routerTlsFields),
  observability: degraded(observability),
});

export const httpModelSchema = closed(
  struct({ middlewares: texts(), tls: allowEmpty(routerTlsFields), observability }),
);

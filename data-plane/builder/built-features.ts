import type { ResourceFeature } from "../../config-model/snapshot/feature.ts";

/** Of the features there are, those this node has; its hello names them. */
export const builtFeatures: ReadonlySet<string> = new Set<ResourceFeature>([
  "entry-point-middlewares",
  "underscore-headers",
  "denied-path-characters",
  "parent-routers",
  "router-tls",
  "entry-point-tls",
  "tcp-router-tls",
  "udp-entry-point",
]);

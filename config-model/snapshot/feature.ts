/**
 * What a resource may need of a node beyond the first version. A node that lacks a feature rejects the resource and keeps
 * its last good version: left out, each of these would make it serve more than was asked for.
 */
export type ResourceFeature =
  | "entry-point-middlewares"
  | "underscore-headers"
  | "denied-path-characters"
  | "parent-routers"
  | "router-tls"
  | "entry-point-tls"
  | "tcp-router-tls"
  | "udp-entry-point";

import type { ObjectKey, ObjectKind } from "../../config-model/dynamic/object-key.ts";
import { shownText } from "../../foundation/shown-text.ts";

const nouns: Readonly<Record<ObjectKind, string>> = {
  nodeSettings: "node settings",
  entryPoint: "entry point",
  httpRouter: "router",
  httpService: "service",
  httpMiddleware: "middleware",
  httpModel: "model",
  httpServersTransport: "servers transport",
  tcpRouter: "TCP router",
  tcpService: "TCP service",
  tcpMiddleware: "TCP middleware",
  tcpServersTransport: "TCP servers transport",
  udpRouter: "UDP router",
  udpService: "UDP service",
  tlsOptions: "TLS options",
  tlsStore: "TLS store",
  tlsCertificate: "TLS certificate",
};

/** `router "shop@file" does not exist`. */
export function doesNotExist(key: ObjectKey): string {
  return `${describeObject(key)} ${key.kind === "tlsOptions" ? "do" : "does"} not exist`;
}

/** As operators read it: `router "shop@file"`. */
export function describeObject({ kind, name }: ObjectKey): string {
  return `${nouns[kind]} "${shownText(name)}"`;
}

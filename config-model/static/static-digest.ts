/**
 * A digest of what the static configuration puts into a generation: entry points, redirections, node settings. Control
 * planes whose digests are equal serve the same, wherever their files lie and however they are written.
 *
 * What has its default value is left out: a version that knows more keys gives the same digest as long as nobody uses
 * them, so that control planes of two versions get along while one replaces the other.
 */
import { hash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { defaultEntryPoint } from "./build-entry-points.ts";
import { buildNodeSettings } from "./build-static-configuration.ts";
import { staticFields } from "./schema/static-schema.ts";
import type { StaticConfiguration } from "./static-configuration.ts";

type DigestedPart = Pick<StaticConfiguration, "entryPoints" | "redirections" | "nodeSettings">;

/** Hexadecimal. The order of entry points makes no difference. */
export function staticDigest({ entryPoints, redirections, nodeSettings }: DigestedPart): string {
  const entryPoint = defaultEntryPoint();
  const parts = [
    [...entryPoints].toSorted(byName).map(([name, config]) => [name, unusual(config, entryPoint)]),
    redirections.map((redirection) => [redirection.name, redirection] as const).toSorted(byName),
    unusual(nodeSettings, defaultNodeSettings()),
  ];
  return hash("sha256", JSON.stringify(parts, canonical), "hex");
}

function defaultNodeSettings() {
  const { serversTransport, tcpServersTransport } = staticFields;
  return buildNodeSettings({
    serversTransport: serversTransport.absent,
    tcpServersTransport: tcpServersTransport.absent,
  });
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Fields that differ from the default ones; of objects in them only what differs. */
function unusual(fields: object, defaults: object): Fields {
  const byDefault = new Map<string, unknown>(Object.entries(defaults));
  const differing = Object.entries(fields).flatMap(([name, value]): [string, unknown][] => {
    const usual = byDefault.get(name);
    if (isDeepStrictEqual(value, usual)) return [];
    return [[name, isFields(value) && isFields(usual) ? unusual(value, usual) : value]];
  });
  return Object.fromEntries(differing);
}

/** Fields in the order of their names; integers beyond what JSON can hold as texts. */
function canonical(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(byName));
}

function byName([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The entry points that routers of checked files may name. */
import type { SourcePosition } from "../config-model/dynamic/diagnostic.ts";
import type { EntryPointConfig } from "../config-model/dynamic/dynamic-object.ts";
import type { SourceChange } from "../config-model/dynamic/source-object.ts";
import type { ConfigEntry, Place } from "../config-model/schema/config-node.ts";
import { NodeDecoder } from "../config-model/schema/decode-node.ts";
import { structDefaults } from "../config-model/schema/schema.ts";
import { buildEntryPoints } from "../config-model/static/build-entry-points.ts";
import { entryPointFields } from "../config-model/static/schema/entry-point-schema.ts";
import type { StaticConfiguration } from "../config-model/static/static-configuration.ts";

/**
 * Those of a file's static part. Their own mistakes and unbuilt keys have been said: that a router names one of them is
 * no mistake of the router's.
 */
export function entryPointChanges(
  staticEntries: readonly ConfigEntry[],
  configuration: StaticConfiguration | undefined,
  locate: (place: Place) => SourcePosition,
): readonly SourceChange[] {
  const section = staticEntries.find(({ name }) => name.toLowerCase() === "entrypoints");
  const entries = section?.value.kind === "map" ? section.value.entries : [];
  const places = new Map(entries.map(({ name, place }) => [name, locate(place)]));
  const known = configuration?.entryPoints ?? assumedEntryPoints([...places.keys()]);
  return [...known].map(([name, config]) => {
    const source = places.get(name) ?? { provider: "internal", location: `entryPoints.${name}` };
    return toChange(name, { ...config, unbuilt: [] }, source);
  });
}

/** Without a static part nobody knows the entry points: every one that is named is taken to be there. */
export function namedEntryPoints(changes: readonly SourceChange[]): readonly SourceChange[] {
  const names = new Set<string>();
  for (const { object } of changes) {
    const config = object?.config;
    if (config?.kind !== "httpRouter" && config?.kind !== "tcpRouter") continue;
    for (const name of config.entryPoints ?? []) names.add(name);
  }
  return [...assumedEntryPoints([...names])].map(([name, config]) => {
    return toChange(name, config, { provider: "internal", location: `entryPoints.${name}` });
  });
}

/** With none, `http` is implied. One marked as default serves routers that name none. */
function assumedEntryPoints(names: readonly string[]): ReadonlyMap<string, EntryPointConfig> {
  const value = { ...structDefaults(entryPointFields), address: ":80", asDefault: true };
  const entryPoints =
    names.length === 0 ? undefined : new Map(names.map((name) => [name, value] as const));
  return buildEntryPoints({ entryPoints }, new NodeDecoder("entry points"));
}

function toChange(name: string, config: EntryPointConfig, source: SourcePosition): SourceChange {
  return { key: { kind: "entryPoint", name }, object: { source, config, problems: [] } };
}

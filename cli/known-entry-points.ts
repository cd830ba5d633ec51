/** The entry points that routers of checked files may name. */
import type { EntryPointConfig } from "../config-model/dynamic/dynamic-object.ts";
import { staticProvider } from "../config-model/dynamic/qualified-name.ts";
import type { SourceChange } from "../config-model/dynamic/source-object.ts";
import type { ConfigEntry } from "../config-model/schema/config-node.ts";
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
): readonly SourceChange[] {
  if (configuration !== undefined) {
    return [...configuration.entryPoints].map(([name, config]) => {
      return toChange(name, { ...config, unbuilt: [] });
    });
  }
  const section = staticEntries.find(({ name }) => name.toLowerCase() === "entrypoints");
  const entries = section?.value.kind === "map" ? section.value.entries : [];
  return assumedEntryPoints(entries.map(({ name }) => name));
}

/** Without a static part nobody knows the entry points: every one that is named is taken to be there. */
export function namedEntryPoints(changes: readonly SourceChange[]): readonly SourceChange[] {
  const names = new Set<string>();
  for (const { object } of changes) {
    const config = object?.config;
    if (config?.kind !== "httpRouter" && config?.kind !== "tcpRouter") continue;
    for (const name of config.entryPoints ?? []) names.add(name);
  }
  return assumedEntryPoints([...names]);
}

/** With none, `http` is implied. One marked as default serves routers that name none. */
function assumedEntryPoints(names: readonly string[]): readonly SourceChange[] {
  const value = { ...structDefaults(entryPointFields), address: ":80", asDefault: true };
  const entryPoints =
    names.length === 0 ? undefined : new Map(names.map((name) => [name, value] as const));
  const built = buildEntryPoints({ entryPoints }, new NodeDecoder("entry points"));
  return [...built].map(([name, config]) => toChange(name, config));
}

function toChange(name: string, config: EntryPointConfig): SourceChange {
  const source = { provider: staticProvider, location: `entryPoints.${name}` };
  return { key: { kind: "entryPoint", name }, object: { source, config, problems: [] } };
}

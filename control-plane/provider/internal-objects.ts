import type { DynamicObject } from "../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { staticProvider } from "../../config-model/dynamic/qualified-name.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type { StaticConfiguration } from "../../config-model/static/static-configuration.ts";

/** Name of the one node settings object of a fleet. */
const nodeSettingsName = "node";

/** The objects that follow from the static configuration; no key occurs twice. */
export function internalObjects({
  entryPoints,
  nodeSettings,
}: StaticConfiguration): readonly SourceChange[] {
  const changes = [...entryPoints].map(([name, config]) => {
    return toChange({ kind: "entryPoint", name }, `entryPoints.${name}`, config);
  });
  changes.push(
    toChange({ kind: "nodeSettings", name: nodeSettingsName }, "serversTransport", nodeSettings),
  );
  return changes;
}

function toChange(key: ObjectKey, location: string, config: DynamicObject): SourceChange {
  return { key, object: { source: { provider: staticProvider, location }, config, problems: [] } };
}

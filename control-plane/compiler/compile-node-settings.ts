import type { NodeSettingsConfig } from "../../config-model/dynamic/dynamic-object.ts";
import type { CompiledContent } from "./compiled-content.ts";

export function compileNodeSettings({ http, tcp }: NodeSettingsConfig): CompiledContent {
  return {
    kind: "usable",
    body: {
      $case: "nodeSettings",
      value: { httpTransport: { ...http }, tcpTransport: { ...tcp } },
    },
    problems: [],
  };
}

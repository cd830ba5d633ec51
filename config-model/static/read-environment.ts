import { buildKeyTree } from "../schema/build-key-tree.ts";
import type { KeyNode } from "../schema/config-node.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentReading {
  readonly configFile: string | undefined;
  readonly names: readonly string[];
  readonly tree: KeyNode;
  /** Variables meant for Traefik, which are not read. */
  readonly traefikNames: readonly string[];
}

const prefix = "SWITCHYARD_";

/** `SWITCHYARD_ENTRYPOINTS_WEB_ADDRESS`: the path in upper case with `_`; names in it become lower case. */
export function readEnvironment(env: Environment): EnvironmentReading {
  const names = Object.keys(env)
    .filter((name) => name.startsWith(prefix) && name !== `${prefix}CONFIGFILE`)
    .toSorted(byText);
  const pairs = names.map((name) => {
    const path = name
      .slice(prefix.length)
      .toLowerCase()
      .split("_")
      .filter((part) => part !== "");
    return [path, name, env[name] ?? ""] as const;
  });
  return {
    configFile: env[`${prefix}CONFIGFILE`],
    names,
    tree: buildKeyTree(pairs, "environment"),
    traefikNames: Object.keys(env)
      .filter((name) => name.startsWith("TRAEFIK_"))
      .toSorted(byText),
  };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

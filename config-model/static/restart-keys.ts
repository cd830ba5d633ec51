/** What of the static configuration a running process cannot change. */
import { isDeepStrictEqual } from "node:util";
import type { StaticConfiguration } from "./static-configuration.ts";

interface FixedKey {
  readonly path: string;
  readonly valueOf: (configuration: StaticConfiguration) => unknown;
}

const fixedKeys: readonly FixedKey[] = [
  {
    path: "providers.providersThrottleDuration",
    valueOf: ({ providers }) => providers.throttleMs,
  },
  { path: "providers.precedence", valueOf: ({ providers }) => providers.precedence },
  ...(["filename", "directory", "watch"] as const).map((name): FixedKey => {
    return { path: `providers.file.${name}`, valueOf: ({ providers }) => providers.file?.[name] };
  }),
  ...(["endpoints", "rootKey", "username", "password", "tls"] as const).map((name): FixedKey => {
    return { path: `providers.etcd.${name}`, valueOf: ({ providers }) => providers.etcd?.[name] };
  }),
  { path: "log.level", valueOf: ({ log }) => log.level },
  { path: "log.format", valueOf: ({ log }) => log.format },
  { path: "fleet.stream.address", valueOf: ({ fleet }) => fleet.stream.address },
  { path: "fleet.stream.tls", valueOf: ({ fleet }) => fleet.stream.tls },
  { path: "fleet.admin.address", valueOf: ({ fleet }) => fleet.adminAddress },
  { path: "fleet.insecure", valueOf: ({ fleet }) => fleet.insecure },
  { path: "fleet.stateDir", valueOf: ({ fleet }) => fleet.stateDir },
  { path: "fleet.store", valueOf: ({ fleet }) => fleet.store },
];

/** A provider that came or went is one key. */
const wholeSections = ["file", "etcd"] as const;

/** Keys, as they are written, whose new value counts only for a process started with it; in a fixed order. */
export function restartKeys(
  before: StaticConfiguration,
  after: StaticConfiguration,
): readonly string[] {
  const sections = wholeSections
    .filter(
      (name) => (before.providers[name] === undefined) !== (after.providers[name] === undefined),
    )
    .map((name) => `providers.${name}`);
  const keys = fixedKeys
    .filter(({ valueOf }) => !isDeepStrictEqual(valueOf(before), valueOf(after)))
    .map(({ path }) => path)
    .filter((path) => !sections.some((section) => path.startsWith(`${section}.`)));
  return [...sections, ...keys];
}

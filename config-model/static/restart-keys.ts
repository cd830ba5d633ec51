/** What of the static configuration a running process cannot change. */
import { isDeepStrictEqual } from "node:util";
import type { StaticConfiguration } from "./static-configuration.ts";

interface FixedKey {
  readonly path: string;
  readonly read: (configuration: StaticConfiguration) => unknown;
}

const fixedKeys: readonly FixedKey[] = [
  {
    path: "providers.providersThrottleDuration",
    read: ({ providers }) => providers.throttleMs,
  },
  { path: "providers.precedence", read: ({ providers }) => providers.precedence },
  ...(["filename", "directory", "watch"] as const).map((name): FixedKey => {
    return { path: `providers.file.${name}`, read: ({ providers }) => providers.file?.[name] };
  }),
  ...(["endpoints", "rootKey", "username", "password", "tls"] as const).map((name): FixedKey => {
    return { path: `providers.etcd.${name}`, read: ({ providers }) => providers.etcd?.[name] };
  }),
  { path: "log.level", read: ({ log }) => log.level },
  { path: "log.format", read: ({ log }) => log.format },
  { path: "fleet.stream.address", read: ({ fleet }) => fleet.stream.address },
  { path: "fleet.stream.tls", read: ({ fleet }) => fleet.stream.tls },
  { path: "fleet.admin.address", read: ({ fleet }) => fleet.adminAddress },
  { path: "fleet.admin.tokenFile", read: ({ fleet }) => fleet.adminTokenFile },
  { path: "fleet.guard.removals", read: ({ fleet }) => fleet.guardPercent },
  { path: "fleet.rejection", read: ({ fleet }) => fleet.rejection },
  { path: "fleet.insecure", read: ({ fleet }) => fleet.insecure },
  { path: "fleet.insecureSecrets", read: ({ fleet }) => fleet.insecureSecrets },
  { path: "fleet.stateDir", read: ({ fleet }) => fleet.stateDir },
  { path: "fleet.store", read: ({ fleet }) => fleet.store },
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
    .filter(({ read }) => !isDeepStrictEqual(read(before), read(after)))
    .map(({ path }) => path)
    .filter((path) => !sections.some((section) => path.startsWith(`${section}.`)));
  return [...sections, ...keys];
}

import type { SourceState } from "./source-digest.ts";

/** By provider. */
export type SourceDigests = ReadonlyMap<string, SourceState>;

/** JSON, so that an operator can read it: `{"etcd":{"digest":"<hex>","revision":"12"}}`. */
export function encodeSources(sources: SourceDigests): string {
  return JSON.stringify(sourcesAsJson(sources));
}

export function sourcesAsJson(
  sources: SourceDigests,
): Record<string, { readonly digest: string; readonly revision?: string }> {
  return Object.fromEntries(
    [...sources].map(([provider, { digest, revision }]) => [
      provider,
      {
        digest: Buffer.from(digest).toString("hex"),
        ...(revision !== undefined && { revision: revision.toString() }),
      },
    ]),
  );
}

export function decodeSources(text: string): SourceDigests {
  return sourcesFromJson(JSON.parse(text));
}

export function sourcesFromJson(
  stored: Readonly<Record<string, { readonly digest: string; readonly revision?: string }>> = {},
): SourceDigests {
  return new Map(
    Object.entries(stored).map(([provider, { digest, revision }]) => [
      provider,
      {
        digest: Buffer.from(digest, "hex"),
        ...(revision !== undefined && { revision: BigInt(revision) }),
      },
    ]),
  );
}

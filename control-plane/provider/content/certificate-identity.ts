/** A certificate is called by its leaf wherever it stands, and the same one in two places is one. */
import { X509Certificate } from "node:crypto";
import type { DynamicObject } from "../../../config-model/dynamic/dynamic-object.ts";
import { byText } from "../../../foundation/by-text.ts";
import type { PresentObject } from "./object-contents.ts";

/** The object under the name its content gives it; a certificate that was never good is called by its place. */
export function namedByContent({ key, object }: PresentObject): PresentObject {
  if (key.kind !== "tlsCertificate") return { key, object };
  const name = leafName(object.config) ?? `${key.name} in ${object.source.location}`;
  const { fields } = object;
  if (fields === undefined) return { key: { ...key, name }, object };
  // The source knows it by its number.
  const numbered = { positionOf: (_: unknown, path: Path) => fields.positionOf(key, path) };
  return { key: { ...key, name }, object: { ...object, fields: numbered } };
}

type Path = Parameters<NonNullable<PresentObject["object"]["fields"]>["positionOf"]>[1];

function leafName(config: DynamicObject | undefined): string | undefined {
  if (config?.kind !== "tlsCertificate") return undefined;
  return new X509Certificate(config.certFile).fingerprint256.replaceAll(":", "").toLowerCase();
}

/** What two places say of one certificate: it is in the stores of both. */
export function joinedCertificates(first: PresentObject, second: PresentObject): PresentObject {
  const [a, b] = [first.object.config, second.object.config];
  const problems = [...first.object.problems, ...second.object.problems];
  if (a?.kind !== "tlsCertificate" || b?.kind !== "tlsCertificate") {
    return { ...first, object: { ...first.object, problems } };
  }
  const stores = [...new Set([...storesOf(a.stores), ...storesOf(b.stores)])].sort(byText);
  const isDefault = stores.length === 1 && stores[0] === defaultStore;
  const config = { ...a, stores: isDefault ? [] : stores };
  return { ...first, object: { ...first.object, config, problems } };
}

const defaultStore = "default";

function storesOf(written: readonly string[]): readonly string[] {
  return written.length === 0 ? [defaultStore] : written;
}

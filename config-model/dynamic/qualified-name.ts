import type { ObjectKey } from "./object-key.ts";

/** The provider of entry points and node settings, whose names carry none: they come from the static configuration. */
export const staticProvider = "internal";

/** `name@provider`. Entry points and node settings keep their names: there is one of each in a fleet. */
export function qualifiedKey({ kind, name }: ObjectKey, provider: string): ObjectKey {
  if (kind === "entryPoint" || kind === "nodeSettings") return { kind, name };
  return { kind, name: `${name}@${provider}` };
}

/** What a reference means: without a provider of its own it takes that of the object it is written in. */
export function qualifiedReference(reference: string, provider: string): string {
  return reference.includes("@") ? reference : `${reference}@${provider}`;
}

/** Of a qualified key. Given names may hold an `@` themselves, so the last one counts. */
export function providerOf({ kind, name }: ObjectKey): string {
  if (kind === "entryPoint" || kind === "nodeSettings") return staticProvider;
  return name.slice(name.lastIndexOf("@") + 1);
}

/** What the provider of a qualified key calls the object. */
export function localKey(key: ObjectKey): ObjectKey {
  if (key.kind === "entryPoint" || key.kind === "nodeSettings") return key;
  return { kind: key.kind, name: key.name.slice(0, key.name.lastIndexOf("@")) };
}

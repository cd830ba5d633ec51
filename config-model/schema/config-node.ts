/** A piece of configuration before its schema is applied, whatever it was read from. */

/** Where a node stands: an offset into a file's text, or an etcd key, flag or variable. */
export type Place = number | string;

export type ConfigNode =
  | { readonly kind: "null"; readonly place: Place }
  /** Numbers and booleans too: the schema decides what a text means, as in Traefik. */
  | { readonly kind: "scalar"; readonly place: Place; readonly text: string }
  | { readonly kind: "list"; readonly place: Place; readonly items: readonly ConfigNode[] }
  | { readonly kind: "map"; readonly place: Place; readonly entries: readonly ConfigEntry[] }
  | KeyNode;

/**
 * A node of sources that have only keys and texts (etcd, flags, environment): it may hold a text and children at once,
 * and only the schema tells whether children named by numbers are a list or a map.
 */
export interface KeyNode {
  readonly kind: "keys";
  readonly place: Place;
  readonly text: string | undefined;
  readonly entries: readonly ConfigEntry[];
}

export interface ConfigEntry {
  readonly name: string;
  readonly place: Place;
  readonly value: ConfigNode;
}

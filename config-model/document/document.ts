import type { ConfigNode } from "../schema/config-node.ts";

/** A file's text as a tree whose places are offsets into the text, or the one mistake that makes it unreadable. */
export type DocumentParse =
  | { readonly ok: true; readonly root: ConfigNode }
  | { readonly ok: false; readonly offset: number; readonly message: string };

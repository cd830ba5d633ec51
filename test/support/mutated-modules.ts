/**
 * Modules that differ from the real ones in a place or two: with a mistake made on purpose, or a counter. The source is
 * changed as it is read, so that nothing of it is built into the product.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

export interface Mutation {
  /** Within the project. */
  readonly file: string;
  readonly replace: string;
  readonly by: string;
}

const root = new URL("../../", import.meta.url);
const mutations = new Map<string, readonly Mutation[]>();
let isRegistered = false;

/** The modules at these paths, and all they import, in a copy that has the mutations. */
export async function importMutated(
  wanted: readonly Mutation[],
  paths: readonly string[],
): Promise<readonly unknown[]> {
  for (const { file, replace } of wanted) {
    if (readFileSync(new URL(file, root), "utf8").includes(replace)) continue;
    throw new Error(`Cannot mutate ${file}: it has no ${JSON.stringify(replace)}`);
  }
  const key = String(mutations.size);
  mutations.set(key, wanted);
  register();
  return Promise.all(
    paths.map((path) => import(`${new URL(path, root).href}?mutation=${key}`) as Promise<unknown>),
  );
}

function register(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const key = keyOf(context.parentURL);
      // Generated code is large and has no mistakes of ours.
      const isCopied = specifier.startsWith(".") && !resolved.url.includes("/proto/gen/");
      if (key === undefined || !isCopied) return resolved;
      return { ...resolved, url: `${resolved.url.split("?")[0]}?mutation=${key}` };
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const [file = ""] = url.split("?");
      const own = (mutations.get(keyOf(url) ?? "") ?? []).filter(
        (mutation) => new URL(mutation.file, root).href === file,
      );
      if (own.length === 0 || typeof loaded.source === "undefined") return loaded;
      let source = readFileSync(fileURLToPath(file), "utf8");
      for (const { replace, by } of own) source = source.replaceAll(replace, by);
      return { ...loaded, source };
    },
  });
}

function keyOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : /\?mutation=(\d+)$/.exec(url)?.[1];
}

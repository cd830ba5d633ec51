/**
 * Puts the content of files in the place of their paths: the compiler does no I/O. An object is resolved when it is
 * another than before or a file it names is; all others cost nothing.
 */
import type { Diagnostic } from "../../../config-model/dynamic/diagnostic.ts";
import type { DynamicObject } from "../../../config-model/dynamic/dynamic-object.ts";
import type { ObjectKey } from "../../../config-model/dynamic/object-key.ts";
import { shownText } from "../../../foundation/shown-text.ts";
import { namedByContent } from "./certificate-identity.ts";
import type { ObjectContents, PresentObject, ReadFile } from "./object-contents.ts";
import { ReferencedFiles } from "./referenced-files.ts";
import { tlsCertificateContents, tlsOptionsContents, tlsStoreContents } from "./tls-content.ts";
import { usersContents } from "./users-content.ts";

interface Place {
  readonly original: PresentObject;
  readonly resolved: PresentObject;
  /** What could be used last, of this place. */
  readonly good: DynamicObject | undefined;
}

export class ObjectContent {
  readonly #files = new ReferencedFiles();
  readonly #places = new Map<string, Place>();
  /** Places one of whose files has changed since they were resolved. */
  readonly #stale = new Set<string>();

  get folders(): readonly string[] {
    return this.#files.folders;
  }

  get isIncomplete(): boolean {
    return this.#files.isIncomplete;
  }

  /**
   * `place`: where the source has the object, whatever is written there now. The same object when it refers to nothing.
   */
  resolve(place: string, original: PresentObject): PresentObject {
    // All others name no files: among 100,000 routers and services the look at `place` alone would be felt.
    if (nouns[original.key.kind] === undefined) return original;
    const known = this.#places.get(place);
    const isStale = this.#stale.delete(place);
    if (known?.original === original && !isStale) return known.resolved;
    const paths = new Set<string>();
    const read: ReadFile = (path) => {
      paths.add(path);
      return this.#files.read(path);
    };
    const contents = contentsOf(original, known?.good, read);
    this.#files.assign(place, paths);
    if (contents === undefined) {
      this.#places.delete(place);
      return original;
    }
    const resolved = namedByContent(withContents(original, contents));
    const good = contents.config ?? known?.good;
    this.#places.set(place, { original, resolved, good });
    return resolved;
  }

  /** The source has nothing there any more. */
  forget(place: string): void {
    if (!this.#places.delete(place)) return;
    this.#stale.delete(place);
    this.#files.assign(place, new Set());
  }

  /** Forgets all places but these. */
  retain(places: ReadonlySet<string>): void {
    for (const place of this.#places.keys()) if (!places.has(place)) this.forget(place);
  }

  /**
   * Looks at the files again that a change in `folders` may concern, all without them; the objects, as they were given,
   * that need to be resolved again.
   */
  look(folders?: ReadonlySet<string>): readonly PresentObject[] {
    return this.#staleAfter(this.#files.look(folders));
  }

  /** The same of files whose turn it is. */
  lookAtSome(): readonly PresentObject[] {
    return this.#staleAfter(this.#files.lookAtSome());
  }

  #staleAfter(places: ReadonlySet<string>): readonly PresentObject[] {
    for (const place of places) this.#stale.add(place);
    return Array.from(this.#stale, (place) => this.#places.get(place)?.original).filter(
      (original) => original !== undefined,
    );
  }
}

function contentsOf(
  { key, object }: PresentObject,
  before: DynamicObject | undefined,
  read: ReadFile,
): ObjectContents | undefined {
  const { config } = object;
  if (config === undefined) {
    // Its name comes from its content, so nobody behind us could tell what it was before.
    return key.kind === "tlsCertificate" ? { config: before, problems: [] } : undefined;
  }
  if (config.kind === "tlsCertificate") {
    return tlsCertificateContents(config, ofKind(before, config.kind), read);
  }
  if (config.kind === "tlsStore") {
    return tlsStoreContents(config, ofKind(before, config.kind), read);
  }
  if (config.kind === "tlsOptions") return tlsOptionsContents(config, read);
  return config.kind === "httpMiddleware" ? usersContents(config, read) : undefined;
}

function ofKind<Kind extends DynamicObject["kind"]>(
  config: DynamicObject | undefined,
  kind: Kind,
): Extract<DynamicObject, { readonly kind: Kind }> | undefined {
  const isThat = (it: DynamicObject): it is Extract<DynamicObject, { readonly kind: Kind }> =>
    it.kind === kind;
  return config !== undefined && isThat(config) ? config : undefined;
}

const nouns: { readonly [Kind in ObjectKey["kind"]]?: string } = {
  tlsCertificate: "TLS certificate",
  tlsStore: "TLS store",
  tlsOptions: "TLS options",
  httpMiddleware: "middleware",
};

function withContents(
  { key, object }: PresentObject,
  { config, problems }: ObjectContents,
): PresentObject {
  const severity = config === undefined ? "error" : "warning";
  const told = problems.map(({ field, code, message, hint }): Diagnostic => {
    const subject = `${nouns[key.kind] ?? key.kind} "${shownText(key.name)}"`;
    return {
      severity,
      code,
      object: key,
      message: `Cannot use ${subject}: ${message}`,
      source: object.fields?.positionOf(key, field) ?? object.source,
      ...(hint !== undefined && { hint }),
    };
  });
  // What it says itself may be broken while what it was before is in use.
  const own = object.problems.map(
    (problem): Diagnostic => (object.config === undefined ? { ...problem, severity } : problem),
  );
  return { key, object: { ...object, config, problems: [...own, ...told] } };
}

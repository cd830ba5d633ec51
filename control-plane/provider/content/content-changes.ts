/**
 * The stage of a provider that tells its source's changes object by object: objects go in as they are written and come
 * out with the content of the files they name, in as many changes as something changed. The same certificate in several
 * places comes out once, and goes with the last of them.
 */
import { type ObjectKey, objectId } from "../../../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../../../config-model/dynamic/source-object.ts";
import { byText } from "../../../foundation/by-text.ts";
import { joinedCertificates } from "./certificate-identity.ts";
import { ObjectContent } from "./object-content.ts";
import type { PresentObject } from "./object-contents.ts";

export class ContentChanges {
  readonly #content = new ObjectContent();
  /** Name of the certificate in a place. */
  readonly #names = new Map<string, string>();
  /** By name, then by place. */
  readonly #certificates = new Map<string, Map<string, PresentObject>>();

  /** In which a change may mean a change of a file some object names. */
  get folders(): readonly string[] {
    return this.#content.folders;
  }

  /** Whether a file cannot be read: its folder may not even exist. */
  get isIncomplete(): boolean {
    return this.#content.isIncomplete;
  }

  /** Changes under the names they are written under; no key occurs twice, nor does one in what comes of them. */
  take(changes: readonly SourceChange[]): readonly SourceChange[] {
    const taken: SourceChange[] = [];
    const certificates = new Set<string>();
    for (const { key, object } of changes) {
      const place = objectId(key);
      const resolved = object && this.#content.resolve(place, { key, object });
      if (resolved === undefined) this.#content.forget(place);
      if (key.kind === "tlsCertificate") {
        for (const name of this.#move(place, resolved)) certificates.add(name);
      } else taken.push(resolved ?? { key, object });
    }
    for (const name of certificates) taken.push(this.#certificate(name));
    return taken;
  }

  /**
   * What became of the objects whose files are others now. `folders`: where something has changed; absent: it may be
   * anywhere.
   */
  look(folders?: ReadonlySet<string>): readonly SourceChange[] {
    return this.take(this.#content.look(folders));
  }

  /** The same of files whose turn it is: all of them are looked at after some calls. */
  lookAtSome(): readonly SourceChange[] {
    return this.take(this.#content.lookAtSome());
  }

  /** The names whose certificate is another, or gone, or new. */
  #move(place: string, resolved: PresentObject | undefined): readonly string[] {
    const before = this.#names.get(place);
    const name = resolved?.key.name;
    if (before !== undefined && before !== name) {
      const places = this.#certificates.get(before);
      places?.delete(place);
      if (places?.size === 0) this.#certificates.delete(before);
    }
    if (name === undefined || resolved === undefined) this.#names.delete(place);
    else {
      this.#names.set(place, name);
      const places = this.#certificates.get(name) ?? new Map<string, PresentObject>();
      this.#certificates.set(name, places.set(place, resolved));
    }
    return [before, name].filter((it) => it !== undefined);
  }

  /** What all places say of it, whatever the order in which they came. */
  #certificate(name: string): SourceChange {
    const key: ObjectKey = { kind: "tlsCertificate", name };
    const places = this.#certificates.get(name);
    if (places === undefined) return { key, object: undefined };
    const [first, ...more] = [...places].toSorted(([a], [b]) => byText(a, b));
    if (first === undefined) return { key, object: undefined };
    return more.reduce((joined, [, next]) => joinedCertificates(joined, next), first[1]);
  }
}

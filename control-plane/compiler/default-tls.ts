/**
 * The default TLS options and the default store, of which there may be one in a fleet whatever its providers: where
 * several define it, none counts (as in Traefik), and nodes close connections rather than choose.
 */
import { localKey, providerOf } from "../../config-model/dynamic/qualified-name.ts";
import { byText } from "../../foundation/by-text.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { Problem } from "./compiled-content.ts";
import type { CompiledObject } from "./compiled-object.ts";
import { describeObject } from "./describe-object.ts";

export const defaultTlsName = "default";

export class DefaultTlsObjects {
  readonly #options = new Set<CompiledObject>();
  readonly #stores = new Set<CompiledObject>();

  add(object: CompiledObject): void {
    if (localKey(object.key).name === defaultTlsName) this.#of(object)?.add(object);
  }

  delete(object: CompiledObject): void {
    this.#of(object)?.delete(object);
  }

  /** All of them with what there is to say of each. Few: one for a provider. */
  *problems(): Iterable<readonly [CompiledObject, readonly Problem[]]> {
    for (const objects of [this.#options, this.#stores]) {
      const sent = [...objects].filter(({ compiled }) => compiled !== undefined);
      const rivals = sent.length > 1 ? sent : [];
      const providers = rivals.map(({ key }) => providerOf(key)).toSorted(byText);
      const shown = providers.map((name) => `"${shownText(name)}"`).join(" and ");
      for (const object of objects) {
        yield [object, rivals.includes(object) ? [severalDefaults(object, shown)] : []];
      }
    }
  }

  #of({ key }: CompiledObject): Set<CompiledObject> | undefined {
    if (key.kind === "tlsOptions") return this.#options;
    return key.kind === "tlsStore" ? this.#stores : undefined;
  }
}

function severalDefaults({ key }: CompiledObject, providers: string): Problem {
  const what =
    key.kind === "tlsOptions"
      ? "connections that need the default TLS options are closed"
      : "names that no certificate covers get a certificate signed by itself";
  return {
    severity: "error",
    code: "tls-options-conflict",
    message: `Cannot use ${describeObject(key)}: providers ${providers} each define it, so that none counts`,
    hint: `${what}; define it in one provider`,
  };
}

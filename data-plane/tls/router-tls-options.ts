import { qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import type { HttpRouter } from "../routing/http-router.ts";
import { defaultTlsOptions } from "./tls-material.ts";

/** Which TLS options the routers on one entry point have there. */
export class RouterTlsOptions {
  readonly #entryPoint: string;
  /** What the entry point gives routers without TLS of their own, as written. */
  readonly #given: string;
  readonly #givenByProvider = new Map<string, string>();

  constructor(entryPoint: string, given = "") {
    this.#entryPoint = entryPoint;
    this.#given = given;
  }

  of({ tlsOptions, defaultTlsOn, provider }: HttpRouter): string {
    if (defaultTlsOn.length > 0 && defaultTlsOn.includes(this.#entryPoint)) {
      return defaultTlsOptions;
    }
    return tlsOptions ?? this.#givenByProvider.get(provider) ?? this.#give(provider);
  }

  #give(provider: string): string {
    const isDefault = this.#given === "" || this.#given === defaultTlsOptions;
    const options = isDefault ? defaultTlsOptions : qualifiedReference(this.#given, provider);
    this.#givenByProvider.set(provider, options);
    return options;
  }
}

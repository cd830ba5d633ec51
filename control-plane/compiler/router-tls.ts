/** The TLS a router asks for. Options are chosen by server name, before any router is: they need hosts in its rule. */
import type { ObjectKey } from "../../config-model/dynamic/object-key.ts";
import { providerOf, qualifiedReference } from "../../config-model/dynamic/qualified-name.ts";
import { shownText } from "../../foundation/shown-text.ts";
import type { Problem, RouterTls } from "./compiled-content.ts";
import { defaultTlsName } from "./default-tls.ts";
import { describeObject } from "./describe-object.ts";

/** Empty or `default`: the default ones, which belong to no provider. */
export function qualifiedTlsOptions(name: string | undefined, router: ObjectKey): string {
  if (!name || name === defaultTlsName) return defaultTlsName;
  return qualifiedReference(name, providerOf(router));
}

/** `written`: the options it names. Where its rule names no host, it has the default ones. */
export function routerTls(
  key: ObjectKey,
  written: string | undefined,
  hosts: readonly string[],
): { readonly tls: RouterTls; readonly problems: readonly Problem[] } {
  const options = qualifiedTlsOptions(written, key);
  if (hosts.length > 0 || options === defaultTlsName)
    return { tls: { options, hosts }, problems: [] };
  const problem: Problem = {
    severity: "warning",
    code: "tls-options-conflict",
    message: `Cannot use TLS options "${shownText(options)}" for ${describeObject(key)}: its rule names no host`,
    field: ["tls", "options"],
    hint: "TLS options are chosen by host, before any router is: the default ones are used",
  };
  return { tls: { options: defaultTlsName, hosts }, problems: [problem] };
}

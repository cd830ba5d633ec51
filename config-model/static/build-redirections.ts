import { nearestName } from "../../foundation/nearest-name.ts";
import { shownValue } from "../../foundation/shown-text.ts";
import type { EntryPointConfig } from "../dynamic/dynamic-object.ts";
import type { NodeDecoder } from "../schema/decode-node.ts";
import type { Decoded } from "../schema/schema.ts";
import type { entryPointsSchema } from "./schema/entry-point-schema.ts";
import type { RedirectionConfig } from "./static-configuration.ts";

/** In the order of the entry points they lead away from. */
export function buildRedirections(
  value: Decoded<typeof entryPointsSchema>,
  entryPoints: ReadonlyMap<string, EntryPointConfig>,
  decoder: NodeDecoder,
): readonly RedirectionConfig[] {
  const built = new Map<string, RedirectionConfig>();
  for (const [entryPoint, { allowACMEByPass, http }] of value ?? []) {
    const redirection = http.redirections?.entryPoint;
    if (redirection === undefined) continue;
    const path = `entryPoints.${entryPoint}.http.redirections.entryPoint`;
    const { to, scheme, permanent, priority } = redirection;
    if (!to) {
      decoder.error("invalid-value", decoder.placeOf(path), `${path} needs "to"`);
      continue;
    }
    if (!/^https?$/i.test(scheme)) {
      const place = decoder.placeOf(`${path}.scheme`);
      const shown = shownValue(scheme);
      const message = `Invalid value "${shown}" for ${path}.scheme: expected http or https`;
      decoder.error("invalid-value", place, message);
    }
    const port = targetPort(to, entryPoints);
    if (port === undefined) {
      if (value?.has(to)) continue; // its address has a mistake, which has been reported
      reportTarget(decoder, path, to, [...entryPoints.keys()]);
      continue;
    }
    const name = normalized(`${entryPoint}-to-${to}`);
    const twin = built.get(name);
    if (twin !== undefined) {
      const message = `The redirections of entryPoints.${twin.entryPoint} and entryPoints.${entryPoint} have one name, "${name}"`;
      decoder.error("invalid-value", decoder.placeOf(path), message, "rename an entry point");
      continue;
    }
    built.set(name, {
      name,
      entryPoint,
      scheme,
      port,
      permanent,
      priority,
      passesAcmeChallenges: allowACMEByPass,
    });
  }
  return [...built.values()];
}

/** `to` is `:PORT` or an entry point's name. */
function targetPort(
  to: string,
  entryPoints: ReadonlyMap<string, EntryPointConfig>,
): string | undefined {
  const [, port] = /^:(\d+)$/.exec(to) ?? [];
  if (port === undefined) return entryPoints.get(to)?.port.toString();
  return Number(port) >= 1 && Number(port) <= 65_535 ? port : undefined;
}

function reportTarget(
  decoder: NodeDecoder,
  path: string,
  to: string,
  names: readonly string[],
): void {
  const near = to.startsWith(":") ? undefined : nearestName(to, names);
  decoder.error(
    "invalid-value",
    decoder.placeOf(`${path}.to`),
    `Invalid value "${shownValue(to)}" for ${path}.to: expected an entry point or :PORT`,
    near === undefined ? undefined : `did you mean "${near}"?`,
  );
}

/** As Traefik makes names: letters and digits, with one `-` for whatever is between them. */
function normalized(text: string): string {
  return text
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== "")
    .join("-");
}

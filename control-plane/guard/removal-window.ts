/**
 * How many routers and services each provider has in the newest committed generation, and which of them went within
 * the last minute. Kept change by change: asking costs what has gone, not what there is.
 */
import type { ObjectKind } from "../../config-model/dynamic/object-key.ts";
import { providerOf } from "../../config-model/dynamic/qualified-name.ts";
import { type ResourceKey, resourceId } from "../../config-model/snapshot/resource.ts";
import { objectKeyOf } from "../../config-model/snapshot/resource-kind.ts";

export type CountedClass = "routers" | "services";

interface ClassCount {
  committed: number;
  /** Ids that went and have not come back, with the time; oldest first. */
  readonly gone: Map<string, number>;
}

type ProviderCount = Readonly<Record<CountedClass, ClassCount>>;

const windowMs = 60_000;
/** Fewer are never held, however large their part. */
const minimumRemovals = 20;

const classes: ReadonlyMap<ObjectKind, CountedClass> = new Map([
  ["httpRouter", "routers"],
  ["tcpRouter", "routers"],
  ["udpRouter", "routers"],
  ["httpService", "services"],
  ["tcpService", "services"],
  ["udpService", "services"],
]);

/** Absent: entry points and the like, middlewares, transports, certificates. */
export function classOf(key: ResourceKey): CountedClass | undefined {
  const object = objectKeyOf(key);
  return object && classes.get(object.kind);
}

/** Absent for a resource of a newer schema. */
export function providerOfResource(key: ResourceKey): string | undefined {
  const object = objectKeyOf(key);
  return object === undefined ? undefined : providerOf(object);
}

function isMany(vanishing: number, before: number, percent: number): boolean {
  return vanishing >= minimumRemovals && vanishing * 100 > percent * before;
}

export function isMassRemoval(
  lost: Readonly<Record<CountedClass, number>>,
  of: Readonly<Record<CountedClass, number>>,
  percent: number,
): boolean {
  return isMany(lost.routers, of.routers, percent) || isMany(lost.services, of.services, percent);
}

export class RemovalWindow {
  readonly #providers = new Map<string, ProviderCount>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  clear(): void {
    this.#providers.clear();
  }

  /** It is committed and was not before. */
  added(key: ResourceKey): void {
    const count = this.#countOf(key);
    if (count === undefined) return;
    count.committed += 1;
    if (count.gone.size > 0) count.gone.delete(resourceId(key));
  }

  /** It was committed and is no longer. `counts`: it speaks for a mass removal, which what an operator confirmed does not. */
  removed(key: ResourceKey, counts: boolean): void {
    const count = this.#countOf(key);
    if (count === undefined) return;
    count.committed -= 1;
    const id = resourceId(key);
    count.gone.delete(id); // so that the oldest stays first
    if (counts) count.gone.set(id, this.#now());
  }

  committed(provider: string): Readonly<Record<CountedClass, number>> {
    const count = this.#providers.get(provider);
    return {
      routers: count?.routers.committed ?? 0,
      services: count?.services.committed ?? 0,
    };
  }

  /** Whether so many removals more are more than `percent` of what the provider had a minute ago. */
  exceeds(
    provider: string,
    removals: Readonly<Record<CountedClass, number>>,
    percent: number,
  ): boolean {
    const count = this.#providers.get(provider);
    if (count === undefined) return false;
    return (["routers", "services"] as const).some((each) => {
      if (removals[each] === 0) return false;
      const gone = this.#goneLately(count[each]);
      return isMany(gone + removals[each], count[each].committed + gone, percent);
    });
  }

  #goneLately({ gone }: ClassCount): number {
    const since = this.#now() - windowMs;
    for (const [id, atMs] of gone) {
      if (atMs > since) break;
      gone.delete(id);
    }
    return gone.size;
  }

  #countOf(key: ResourceKey): ClassCount | undefined {
    const counted = classOf(key);
    const provider = counted && providerOfResource(key);
    if (counted === undefined || provider === undefined) return undefined;
    let count = this.#providers.get(provider);
    if (count === undefined) {
      count = {
        routers: { committed: 0, gone: new Map() },
        services: { committed: 0, gone: new Map() },
      };
      this.#providers.set(provider, count);
    }
    return count[counted];
  }
}

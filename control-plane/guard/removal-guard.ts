/**
 * Keeps a mass removal from reaching the fleet before an operator has seen it: a prefix deleted by mistake, a half-empty
 * source. When too much of a provider's routers or services would vanish within a minute, the removals wait, and what they
 * would remove stays served; additions and updates flow on. While a hold is open all of its provider's removals wait, and
 * so do those of others that lose what they require in the same change.
 *
 * A hold is a note in the snapshot store, so that every replica shows it and a leader that takes over keeps it. What
 * waits is not in the note: it is what the leader's sources lack and the committed generation has.
 */
import { randomBytes } from "node:crypto";
import {
  type Resource,
  type ResourceKey,
  resourceId,
} from "../../config-model/snapshot/resource.ts";
import type { SnapshotDelta } from "../../config-model/snapshot/snapshot-delta.ts";
import type { Logger } from "../../foundation/log.ts";
import type { CommitGuard, CommitPlace, CommittedLookup } from "../snapshot-store/commit-guard.ts";
import { LiveHold } from "./live-hold.ts";
import type { HeldCount } from "./newer-nodes.ts";
import type { NodeCensus } from "./node-census.ts";
import { NoteWriter, type WriteNote } from "./note-writer.ts";
import {
  decodeHold,
  encodeHold,
  HoldTooLargeError,
  holdIdOf,
  type RemovalHold,
} from "./removal-hold.ts";
import {
  type CountedClass,
  classOf,
  isMassRemoval,
  providerOfResource,
  RemovalWindow,
} from "./removal-window.ts";

export interface RemovalGuardInit {
  /** Where a store that was restored has to go on; absent: it never was. */
  readonly census?: Pick<NodeCensus, "isCounting" | "newer" | "reset">;
  /** Of a provider's routers, or services; 100: nothing is ever held. */
  readonly percent: number;
  /** Ids of the resources one cannot do without. */
  readonly requires: (resource: Resource) => readonly string[];
  /** Whether the source has been read whole in this process (or there is none any more), so that what it lacks is lacking. */
  readonly isRead: (provider: string) => boolean;
  /** Replaces a note of the store, where it still is `from`. */
  readonly writeNote: WriteNote;
  readonly log: Logger;
  /** Monotonic. */
  readonly now?: () => number;
}

const sampleSize = 10;

interface LostObjects {
  readonly provider: string;
  readonly lost: Readonly<Record<CountedClass, number>>;
  readonly of: Readonly<Record<CountedClass, number>>;
}

export class RemovalGuard implements CommitGuard {
  readonly #init: RemovalGuardInit;
  readonly #window: RemovalWindow;
  readonly #notes: NoteWriter;
  readonly #holds = new Map<string, LiveHold>();
  /** Released by an operator, until committed: no part of another mass removal. */
  readonly #exempt = new Set<string>();
  #release: (ids: readonly string[]) => void = () => {};

  constructor(init: RemovalGuardInit) {
    this.#init = init;
    this.#window = new RemovalWindow(init.now ?? (() => performance.now()));
    this.#notes = new NoteWriter(init.writeNote, init.log);
  }

  /** As the store tells, with what waits here where this process leads. */
  holds(): readonly RemovalHold[] {
    return [...this.#holds.values()].map((hold) => hold.report());
  }

  onRelease(listener: (ids: readonly string[]) => void): void {
    this.#release = listener;
  }

  reset(): void {
    this.#window.clear();
    this.#holds.clear();
    this.#exempt.clear();
    this.#notes.clear();
  }

  loaded(resources: readonly Resource[]): void {
    for (const resource of resources) this.#window.added(resource);
  }

  committing({ upserts, removals }: SnapshotDelta, before: CommittedLookup): void {
    if (this.#init.census?.newer !== undefined) this.#init.census.reset();
    for (const resource of upserts) {
      if (before(resourceId(resource)) === undefined) this.#window.added(resource);
    }
    for (const key of removals) {
      const id = resourceId(key);
      if (before(id) === undefined) continue;
      const isWanted =
        this.#exempt.delete(id) || this.#blanketOf(key)?.record.state === "confirmed";
      this.#window.removed(key, !isWanted);
    }
  }

  restart(): void {
    for (const hold of this.#holds.values()) hold.restart();
  }

  admit(removals: readonly ResourceKey[], committed: CommittedLookup): ReadonlySet<string> {
    const held = new Set<string>();
    const free: ResourceKey[] = [];
    for (const key of removals) {
      const id = resourceId(key);
      const hold = this.#exempt.has(id) ? undefined : (this.#keeperOf(id) ?? this.#blanketOf(key));
      if (hold === undefined) free.push(key);
      else if (hold.record.state !== "confirmed") this.#hold(hold, key, held);
    }
    const fresh = this.#holdMassRemovals(free, held);
    if (fresh.size > 0) this.#holdDependents(free, fresh, held, committed);
    return held;
  }

  get isWaiting(): boolean {
    return this.#init.census?.isCounting === true;
  }

  /** A restored store's first generation is held against what nodes hold, which nobody but they know. */
  place(delta: SnapshotDelta, committed: CommittedLookup): CommitPlace {
    const newer = this.#init.census?.newer;
    if (newer === undefined) return { kind: "next" };
    const lost = this.#lostTo(newer.held, delta, committed);
    const known = [...this.#holds.values()].find(({ record }) => record.isRestored);
    if (lost === undefined) {
      if (known !== undefined) this.#end(known, "its source has them back");
    } else if (known?.record.state !== "confirmed") {
      if (known === undefined) this.#openRestored(lost);
      return { kind: "wait" };
    }
    return { kind: "at", at: newer.at };
  }

  #lostTo(
    held: readonly HeldCount[],
    { upserts, removals }: SnapshotDelta,
    committed: CommittedLookup,
  ): LostObjects | undefined {
    const change = new Map<string, Record<CountedClass, number>>();
    const count = (key: ResourceKey, by: number) => {
      const provider = providerOfResource(key);
      const counted = classOf(key);
      if (provider === undefined || counted === undefined) return;
      const counts = change.get(provider) ?? { routers: 0, services: 0 };
      counts[counted] += by;
      change.set(provider, counts);
    };
    for (const resource of upserts) if (!committed(resourceId(resource))) count(resource, 1);
    for (const key of removals) if (committed(resourceId(key))) count(key, -1);
    for (const { provider, ...of } of held) {
      const before = this.#window.committed(provider);
      const by = change.get(provider) ?? { routers: 0, services: 0 };
      const lost = {
        routers: Math.max(0, of.routers - before.routers - by.routers),
        services: Math.max(0, of.services - before.services - by.services),
      };
      if (isMassRemoval(lost, of, this.#init.percent)) return { provider, lost, of };
    }
    return undefined;
  }

  #openRestored({ provider, lost, of }: LostObjects): void {
    const hold = this.#create(provider, {
      ...lost,
      objects: lost.routers + lost.services,
      ofRouters: of.routers,
      ofServices: of.services,
      isRestored: true,
    });
    this.#init.log.error(
      "the restored store holds much less than the data planes: nothing is published",
      {
        hold: hold.record.id,
        provider,
        routers: `${lost.routers} of ${of.routers}`,
        services: `${lost.services} of ${of.services}`,
        next: `switchyard fleet guard confirm ${hold.record.id}, or bring them back in the source`,
      },
    );
    this.#save(hold);
  }

  withdrawn(id: string): void {
    this.#exempt.delete(id);
    for (const hold of this.#holds.values()) {
      if (!hold.withdraw(id)) continue;
      if (hold.isEmpty) this.#end(hold, "its source has them back");
      else this.#save(hold);
    }
  }

  settled(): void {
    for (const hold of this.#holds.values()) {
      if (hold.record.state === "confirmed") {
        this.#end(hold, "confirmed, they are gone");
        continue;
      }
      if (hold.record.isRestored) continue;
      if (!this.#init.isRead(hold.record.provider)) continue;
      if (hold.needsKept) this.#keep(hold);
      else hold.forgetReturned();
      if (hold.isEmpty) this.#end(hold, "its source has them back");
    }
  }

  /** A note of the store has come, changed or gone. */
  onNote(name: string, text: string | undefined): void {
    const id = holdIdOf(name);
    if (id === undefined || this.#notes.isOwn(name, text)) return;
    const known = this.#holds.get(id);
    if (text === undefined) {
      this.#holds.delete(id);
      return;
    }
    try {
      const record = decodeHold(text);
      const hold = known ?? new LiveHold(record);
      hold.record = record;
      this.#holds.set(id, hold);
      this.#decided(hold);
    } catch (error) {
      this.#init.log.error("note of the mass-removal guard cannot be read", { note: name, error });
    }
  }

  #decided(hold: LiveHold): void {
    const { id, provider, state } = hold.record;
    if (state === "confirmed") {
      const ids = hold.releaseAll();
      for (const each of ids) this.#exempt.add(each);
      this.#init.log.warn("held removals are confirmed", {
        hold: id,
        provider,
        objects: ids.length,
      });
      this.#release(ids);
    } else if (hold.needsKept && hold.waiting.size > 0 && this.#init.isRead(provider)) {
      this.#keep(hold);
    }
  }

  /** What a dismissal keeps is what waits at that moment. */
  #keep(hold: LiveHold): void {
    const { id, provider } = hold.record;
    hold.keepWaiting();
    try {
      encodeHold(hold.report());
      this.#init.log.warn("held removals are dismissed: what they would remove stays served", {
        hold: id,
        provider,
        objects: hold.waiting.size,
      });
    } catch (error) {
      if (!(error instanceof HoldTooLargeError)) throw error;
      hold.reopen();
      this.#init.log.error("held removals cannot be dismissed", { hold: id, provider, error });
    }
    this.#save(hold);
  }

  #holdMassRemovals(free: readonly ResourceKey[], held: Set<string>): Set<string> {
    const fresh = new Set<string>();
    const byProvider = Map.groupBy(free, (key) => providerOfResource(key));
    for (const [provider, keys] of byProvider) {
      if (provider === undefined) continue;
      const counts = { routers: 0, services: 0 };
      for (const key of keys) {
        const counted = this.#exempt.has(resourceId(key)) ? undefined : classOf(key);
        if (counted !== undefined) counts[counted] += 1;
      }
      if (!this.#window.exceeds(provider, counts, this.#init.percent)) continue;
      const hold = this.#open(provider);
      for (const key of keys) {
        if (this.#exempt.has(resourceId(key))) continue;
        this.#hold(hold, key, held);
        fresh.add(resourceId(key));
      }
      const { routers, services, ofRouters, ofServices, sample } = hold.report();
      this.#init.log.error(
        "removals held by the mass-removal guard, what they would remove stays served",
        {
          hold: hold.record.id,
          provider,
          routers: `${routers} of ${ofRouters}`,
          services: `${services} of ${ofServices}`,
          such: sample.slice(0, 3).join(", "),
          next: `switchyard fleet guard confirm|dismiss ${hold.record.id}`,
        },
      );
    }
    return fresh;
  }

  #holdDependents(
    free: readonly ResourceKey[],
    fresh: Set<string>,
    held: Set<string>,
    committed: CommittedLookup,
  ): void {
    for (let grew = true; grew; ) {
      grew = false;
      for (const key of free) {
        const id = resourceId(key);
        if (held.has(id) || this.#exempt.has(id)) continue;
        const resource = committed(id);
        const lost = resource && this.#init.requires(resource).find((each) => fresh.has(each));
        const hold = lost === undefined ? undefined : this.#holderOf(lost);
        if (hold === undefined) continue;
        this.#hold(hold, key, held);
        fresh.add(id);
        grew = true;
      }
    }
  }

  #open(provider: string): LiveHold {
    const { routers, services } = this.#window.committed(provider);
    return this.#create(provider, { ofRouters: routers, ofServices: services });
  }

  #create(provider: string, fields: Partial<RemovalHold>): LiveHold {
    const hold = new LiveHold({
      id: randomBytes(3).toString("hex"),
      provider,
      state: "open",
      isRestored: false,
      since: new Date().toISOString(),
      routers: 0,
      services: 0,
      objects: 0,
      ofRouters: 0,
      ofServices: 0,
      sample: [],
      kept: undefined,
      ...fields,
    });
    this.#holds.set(hold.record.id, hold);
    return hold;
  }

  #hold(hold: LiveHold, key: ResourceKey, held: Set<string>): void {
    held.add(resourceId(key));
    hold.add(key, sampleSize);
    this.#save(hold);
  }

  /** The hold that all removals of the provider fall under. */
  #blanketOf(key: ResourceKey): LiveHold | undefined {
    if (this.#holds.size === 0) return undefined;
    const provider = providerOfResource(key);
    for (const hold of this.#holds.values()) {
      if (hold.record.provider === provider && hold.isBlanket) return hold;
    }
    return undefined;
  }

  #keeperOf(id: string): LiveHold | undefined {
    for (const hold of this.#holds.values()) if (hold.keeps(id)) return hold;
    return undefined;
  }

  #holderOf(id: string): LiveHold | undefined {
    for (const hold of this.#holds.values()) if (hold.waiting.has(id)) return hold;
    return undefined;
  }

  #save(hold: LiveHold): void {
    this.#notes.save(hold.record.id, () => encodeHold(hold.report()));
  }

  #end(hold: LiveHold, why: string): void {
    const { id, provider } = hold.record;
    this.#holds.delete(id);
    this.#notes.remove(id);
    this.#init.log.warn("hold of the mass-removal guard ends", { hold: id, provider, why });
  }
}

/**
 * What a traffic worker routes by, and how it changes: parts of a transfer come in, are built beside what serves, and go
 * live in one turn. Everything that can fail happens in `build`; `switch` cannot fail.
 *
 * A delta is a list of edits to the live state, so it costs what it changes. A full transfer, a delta too large to be
 * put in place within a turn, and one that adds entry points (whose routers have to be looked for) make a new state beside
 * the old one instead, in slices of `sliceMs`, which then takes its place. Live objects (servers with their connections
 * and turns, counters) go over to whatever comes next.
 */

import { readChangeList } from "../../config-model/snapshot/read-change-list.ts";
import type { Logger } from "../../foundation/log.ts";
import { TurnSlice } from "../../foundation/turn-slice.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import type { CounterRegistry } from "../metrics/counter-registry.ts";
import type { Definition } from "../switcher/cell.ts";
import { HttpService, type HttpUpstream } from "../upstream/http-service.ts";
import type { RejectedResource } from "../worker/worker-protocol.ts";
import { type EntryPointPlan, LiveState, type ServedEntryPoint } from "./live-state.ts";
import type { NodeTransport } from "./node-transport.ts";
import type { MakeUpstream } from "./plan-service.ts";
import { plansIn, put, type ResourcePlan, remove } from "./resource-plan.ts";
import { TransferDraft } from "./transfer-draft.ts";

/** Where entry points go live. */
export interface EntryPointSink {
  /** New, or with other settings or tables than before. */
  put(entryPoint: ServedEntryPoint): void;
  /** What it serves with stays, for the connections that are left. */
  remove(name: string): void;
}

export interface WorkerStateInit {
  readonly makeUpstream: MakeUpstream;
  readonly transport: NodeTransport;
  readonly counters: CounterRegistry;
  readonly entryPoints: EntryPointSink;
  readonly log: Logger;
  readonly sliceMs?: number;
  /** How many edits may be put in place within one turn. */
  readonly maxEdits?: number;
}

/** `edit`: the draft is put into the live state. `replace`: `next` holds everything and takes its place. */
type Built =
  | { readonly kind: "edit"; readonly draft: TransferDraft }
  | { readonly kind: "replace"; readonly draft: TransferDraft; readonly next: LiveState };

interface Transfer {
  readonly full: boolean;
  readonly parts: Uint8Array[];
  readonly made: HttpUpstream[];
  built: Built | undefined;
}

export class WorkerState {
  readonly #init: WorkerStateInit;
  #live: LiveState;
  #rejected: ReadonlyMap<string, RejectedResource> = new Map();
  #transfer: Transfer | undefined;

  constructor(init: WorkerStateInit) {
    this.#init = init;
    this.#live = this.#newState();
  }

  begin(full: boolean): void {
    this.abandon();
    this.#transfer = { full, parts: [], made: [], built: undefined };
  }

  addPart(changes: Uint8Array): void {
    this.#transfer?.parts.push(changes);
  }

  /**
   * Resolves with what the worker will hold and not serve after the switch; undefined when the transfer was abandoned
   * meanwhile. Rejects when the parts cannot be read: nothing of the transfer can be used then.
   */
  async build(): Promise<readonly RejectedResource[] | undefined> {
    const transfer = this.#transfer;
    if (transfer === undefined) throw new Error("Cannot build: no transfer has begun");
    const slice = new TurnSlice(this.#init.sliceMs ?? 2);
    const draft = await this.#plan(transfer, slice);
    if (this.#transfer !== transfer) return undefined;
    const built: Built = this.#fitsIntoOneTurn(draft)
      ? { kind: "edit", draft }
      : { kind: "replace", draft, next: await this.#stateWith(draft, slice) };
    if (this.#transfer !== transfer) return undefined;
    transfer.built = built;
    return [...draft.rejected.values()];
  }

  /** In this turn, and infallible. Resolves once what went out of use is let go of. */
  switch(): Promise<void> {
    const built = this.#transfer?.built;
    this.#transfer = undefined;
    if (built === undefined) throw new Error("Cannot switch: nothing has been built");
    this.#rejected = built.draft.rejected;
    if (built.kind === "replace") return this.#replaceWith(built.next);
    this.#edit(built.draft);
    return Promise.resolve();
  }

  abandon(): void {
    for (const upstream of this.#transfer?.made ?? []) upstream.close();
    this.#transfer = undefined;
  }

  async #plan(transfer: Transfer, slice: TurnSlice): Promise<TransferDraft> {
    const { makeUpstream, transport, counters, log } = this.#init;
    const context = {
      live: this.#live,
      makeUpstream,
      transport,
      serviceCounters: counters.services,
      log,
      made: transfer.made,
    };
    const next = transfer.full ? this.#newState() : undefined;
    const draft = new TransferDraft(context, this.#rejected, next);
    for (const part of transfer.parts.splice(0)) {
      const { upserts, removals } = readChangeList(part);
      for (const resource of upserts) {
        draft.upsert(resource);
        if (slice.isSpent) await slice.next();
        if (this.#transfer !== transfer) return draft;
      }
      for (const key of removals) draft.remove(key);
    }
    draft.rejectChainLoops();
    return draft;
  }

  #fitsIntoOneTurn(draft: TransferDraft): boolean {
    const { maxEdits = 1_000 } = this.#init;
    if (draft.next !== undefined) return false;
    if (draft.planCount + draft.removals.length > maxEdits) return false;
    for (const { kind, name, plan } of draft.plans()) {
      if (kind === "entryPoint" && !this.#canEditEntryPoint(name, plan)) return false;
    }
    return true;
  }

  /** One that is new, or gives TLS to its routers or no longer does, has its routers looked for. */
  #canEditEntryPoint(name: string, { settings }: EntryPointPlan): boolean {
    const before = this.#live.entryPoints.get(name)?.plan.settings;
    if (before === undefined) return false;
    return (before.httpTls === undefined) === (settings.httpTls === undefined);
  }

  async #stateWith(draft: TransferDraft, slice: TurnSlice): Promise<LiveState> {
    const state = draft.next ?? this.#newState();
    if (draft.next === undefined) {
      // What they make of their routers is cheapest while these are not there yet.
      for (const plan of draft.plans()) if (plan.kind === "entryPoint") put(state, plan);
      for (const plan of this.#untouchedBy(draft)) {
        put(state, plan);
        if (slice.isSpent) await slice.next();
      }
    }
    for (const plan of draft.plans()) {
      put(state, plan);
      if (slice.isSpent) await slice.next();
    }
    return state;
  }

  *#untouchedBy(draft: TransferDraft): Generator<ResourcePlan> {
    const removed = new Set(draft.removals.map(({ kind, name }) => `${kind}:${name}`));
    for (const plan of plansIn(this.#live)) {
      if (draft.has(plan.kind, plan.name) || removed.has(`${plan.kind}:${plan.name}`)) continue;
      yield plan;
    }
  }

  #newState(): LiveState {
    return new LiveState(this.#init.counters.routers);
  }

  #edit(draft: TransferDraft): void {
    const { entryPoints, counters, transport } = this.#init;
    // First, so that what is removed beside them does not change what they go on serving with.
    for (const { kind, name } of draft.removals) {
      if (kind !== "entryPoint") continue;
      remove(this.#live, kind, name);
      entryPoints.remove(name);
    }
    for (const { kind, name } of draft.removals) {
      const before = kind === "httpService" ? this.#live.services.definition(name) : undefined;
      remove(this.#live, kind, name);
      if (kind === "httpRouter") counters.routers.retire(name);
      if (kind === "httpService") this.#retireService(name, before, undefined);
    }
    for (const plan of draft.plans()) {
      const before =
        plan.kind === "httpService" ? this.#live.services.definition(plan.name) : undefined;
      if (plan.kind === "httpService") continueService(plan.plan, before);
      put(this.#live, plan);
      if (plan.kind === "httpService") this.#retireService(plan.name, before, plan.plan);
      if (plan.kind === "entryPoint") {
        const entryPoint = this.#live.entryPoints.get(plan.name);
        if (entryPoint !== undefined) entryPoints.put(entryPoint);
      }
    }
    transport.update(this.#live.nodeSettings?.settings);
  }

  #replaceWith(next: LiveState): Promise<void> {
    const { entryPoints, transport } = this.#init;
    const previous = this.#live;
    this.#live = next;
    for (const entryPoint of next.entryPoints.values()) entryPoints.put(entryPoint);
    for (const name of previous.entryPoints.keys()) {
      if (!next.entryPoints.has(name)) entryPoints.remove(name);
    }
    transport.update(next.nodeSettings?.settings);
    return this.#retire(previous, next);
  }

  async #retire(previous: LiveState, next: LiveState): Promise<void> {
    const slice = new TurnSlice(this.#init.sliceMs ?? 2);
    await slice.next();
    for (const [name, definition] of previous.services.definitions()) {
      const successor = next.services.definition(name);
      if (successor !== undefined) continueService(successor, definition);
      this.#retireService(name, definition, successor);
      if (slice.isSpent) await slice.next();
    }
    for (const name of previous.routers.keys()) {
      if (!next.routers.has(name)) this.#init.counters.routers.retire(name);
      if (slice.isSpent) await slice.next();
    }
  }

  #retireService(
    name: string,
    before: Definition<HttpHandler> | undefined,
    after: Definition<HttpHandler> | undefined,
  ): void {
    if (before === undefined || before === after) return;
    if (after === undefined) this.#init.counters.services.retire(name);
    const kept = new Set(serversOf(after).map(({ upstream }) => upstream));
    for (const { upstream } of serversOf(before)) if (!kept.has(upstream)) upstream.close();
  }
}

function serversOf(definition: Definition<HttpHandler> | undefined) {
  return definition instanceof HttpService ? definition.servers : [];
}

function continueService(
  next: Definition<HttpHandler>,
  previous: Definition<HttpHandler> | undefined,
): void {
  if (next === previous) return;
  if (next instanceof HttpService && previous instanceof HttpService) next.continueFrom(previous);
}

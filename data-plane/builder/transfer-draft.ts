/**
 * A transfer on its way from bytes to plans, before anything that serves is touched. A resource that cannot be used is
 * left out with the reason: what serves under its name goes on serving.
 *
 * A full transfer is put into its new state resource by resource: 100,000 plans are never held at once. Middlewares wait
 * until all are there, for chains could lead back to themselves.
 */

import type { ChangedName, ChangedResource } from "../../config-model/snapshot/read-change-list.ts";
import type { HttpHandler } from "../http/http-exchange.ts";
import type { Definition } from "../switcher/cell.ts";
import type { RejectedResource } from "../worker/worker-protocol.ts";
import type { LiveState } from "./live-state.ts";
import { fingerprintOf, type PlanContext, planResource } from "./plan-resource.ts";
import {
  fingerprintIn,
  type PlanKind,
  planIn,
  planKindOf,
  put,
  type ResourcePlan,
  resourceKindOf,
} from "./resource-plan.ts";

export interface Removal {
  readonly kind: PlanKind;
  readonly name: string;
}

export class TransferDraft {
  /** Of a full transfer. */
  readonly next: LiveState | undefined;
  readonly removals: Removal[] = [];
  readonly #context: PlanContext;
  readonly #plans = new Map<string, ResourcePlan>();
  readonly #rejected: Map<string, RejectedResource>;

  /** `rejectedBefore`: what a delta does not touch stays rejected. `next`: a full transfer, into this empty state. */
  constructor(
    context: PlanContext,
    rejectedBefore: ReadonlyMap<string, RejectedResource>,
    next: LiveState | undefined,
  ) {
    this.#context = context;
    this.next = next;
    this.#rejected = new Map(next === undefined ? rejectedBefore : []);
  }

  get rejected(): ReadonlyMap<string, RejectedResource> {
    return this.#rejected;
  }

  get planCount(): number {
    return this.#plans.size;
  }

  /** What has not been put into `next` yet. */
  plans(): Iterable<ResourcePlan> {
    return this.#plans.values();
  }

  has(kind: PlanKind, name: string): boolean {
    return this.#plans.has(idOf(resourceKindOf[kind], name));
  }

  upsert(resource: ChangedResource): void {
    const { live } = this.#context;
    const id = idOf(resource.kind, resource.name);
    const kind = planKindOf(resource.kind);
    this.#rejected.delete(id);
    if (
      kind !== undefined &&
      fingerprintIn(live, kind, resource.name) === fingerprintOf(resource)
    ) {
      this.#carryOver(id, kind, resource.name);
      return;
    }
    try {
      this.#take(id, planResource(resource, this.#context));
    } catch (error) {
      this.#reject(id, resource, reasonOf(error));
      if (kind !== undefined) this.#carryOver(id, kind, resource.name);
    }
  }

  remove(removed: ChangedName): void {
    this.#rejected.delete(idOf(removed.kind, removed.name));
    const kind = planKindOf(removed.kind);
    if (kind !== undefined) this.removals.push({ kind, name: removed.name });
  }

  /**
   * A chain that leads back to itself would run for ever. The control plane refuses loops; one can still come about here,
   * between a new version and the last good one of what was rejected.
   */
  rejectChainLoops(): void {
    const removed = new Set(
      this.removals.flatMap(({ kind, name }) => (kind === "httpMiddleware" ? [name] : [])),
    );
    for (let loop = this.#findLoop(removed); loop !== undefined; loop = this.#findLoop(removed)) {
      const id = idOf(resourceKindOf.httpMiddleware, loop);
      const wasCarriedOver = this.#plans.get(id)?.plan === this.#liveMiddleware(loop);
      this.#plans.delete(id);
      const key = { kind: resourceKindOf.httpMiddleware, name: loop };
      this.#reject(id, key, "its chain leads back to itself");
      if (!wasCarriedOver) this.#carryOver(id, "httpMiddleware", loop);
    }
  }

  #findLoop(removed: ReadonlySet<string>): string | undefined {
    const membersOf = (name: string): readonly string[] => {
      const plan = this.#plans.get(idOf(resourceKindOf.httpMiddleware, name));
      if (plan?.kind === "httpMiddleware") return plan.plan.members;
      if (this.next !== undefined || removed.has(name)) return [];
      return this.#liveMiddleware(name)?.members ?? [];
    };
    for (const { kind, name } of this.#plans.values()) {
      if (kind === "httpMiddleware" && leadsTo(name, membersOf)) return name;
    }
    return undefined;
  }

  #liveMiddleware(name: string): Definition<HttpHandler> | undefined {
    return this.#context.live.middlewares.definition(name);
  }

  #take(id: string, plan: ResourcePlan): void {
    if (this.next === undefined || plan.kind === "httpMiddleware") this.#plans.set(id, plan);
    else put(this.next, plan);
  }

  /** A delta leaves where it is what it does not change. */
  #carryOver(id: string, kind: PlanKind, name: string): void {
    if (this.next === undefined) return;
    const plan = planIn(this.#context.live, kind, name);
    if (plan !== undefined) this.#take(id, plan);
  }

  #reject(id: string, { kind, name }: ChangedName, reason: string): void {
    const resourceKind = kind as RejectedResource["resourceKind"]; // a newer version's number stays what it is
    this.#rejected.set(id, { resourceKind, name, reason });
    this.#context.log.warn("resource rejected", { kind: planKindOf(kind) ?? kind, name, reason });
  }
}

function idOf(kind: number, name: string): string {
  return `${kind}:${name}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function leadsTo(start: string, membersOf: (name: string) => readonly string[]): boolean {
  const seen = new Set<string>();
  const waiting = [...membersOf(start)];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === start) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    waiting.push(...membersOf(name));
  }
  return false;
}

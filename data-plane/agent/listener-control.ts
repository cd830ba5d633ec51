import type { Resource } from "../../config-model/snapshot/resource.ts";
import { parseHostPort } from "../../foundation/format-address.ts";
import { ResourceBody, ResourceKind } from "../../proto/gen/switchyard/fleet/v1/resource.ts";
import type {
  AgentToMain,
  ListenerResult,
  ListenerWish,
  RejectedResource,
} from "../worker/worker-protocol.ts";

export interface ListenerControlInit {
  readonly post: (message: AgentToMain) => void;
  /** Local overrides, `HOST:PORT` by entry point; they never change a digest. */
  readonly overrides: ReadonlyMap<string, string>;
}

/** The agent's side of the listeners, which the main thread owns: what is wished for, and what could not be bound. */
export class ListenerControl {
  readonly #init: ListenerControlInit;
  #results = new Map<string, ListenerResult>();
  #pending: { readonly transfer: number; readonly resolve: () => void } | undefined;
  #next: ReadonlyMap<string, ListenerResult> | undefined;
  #active = false;

  constructor(init: ListenerControlInit) {
    this.#init = init;
  }

  /** Whether a set of listeners has been activated. */
  get isActive(): boolean {
    return this.#active;
  }

  get boundCount(): number {
    return [...this.#results.values()].filter(({ address }) => address !== undefined).length;
  }

  /** Resolves once main has tried them all; a listener that cannot be bound is no failure. */
  bind(transfer: number, entryPoints: readonly Resource[]): Promise<void> {
    const listeners: ListenerWish[] = [];
    const unusable = new Map<string, ListenerResult>();
    for (const resource of entryPoints) {
      const wish = this.#wishOf(resource);
      if ("error" in wish) unusable.set(resource.name, wish);
      else listeners.push(wish);
    }
    this.#next = unusable;
    return new Promise((resolve) => {
      this.#pending = { transfer, resolve };
      this.#init.post({ kind: "bindListeners", transfer, listeners });
    });
  }

  listenersBound(transfer: number, results: readonly ListenerResult[]): void {
    if (this.#pending?.transfer !== transfer) return;
    const next = new Map(this.#next);
    for (const result of results) next.set(result.entryPoint, result);
    this.#next = next;
    this.#pending.resolve();
    this.#pending = undefined;
  }

  activate(transfer: number): void {
    if (this.#next === undefined) return;
    this.#results = new Map(this.#next);
    this.#next = undefined;
    this.#active = true;
    this.#init.post({ kind: "activateListeners", transfer });
  }

  abandon(transfer: number): void {
    if (this.#next === undefined) return;
    this.#next = undefined;
    this.#init.post({ kind: "abandonListeners", transfer });
  }

  /** Nobody binds anything any more: whoever waits goes on. */
  stop(): void {
    this.#pending?.resolve();
    this.#pending = undefined;
  }

  listenerChanged(result: ListenerResult): void {
    this.#results.set(result.entryPoint, result);
  }

  /** Entry points without a listener. */
  rejected(): readonly RejectedResource[] {
    return [...this.#results.values()].flatMap(({ entryPoint, error }) =>
      error === undefined
        ? []
        : [{ resourceKind: ResourceKind.ENTRY_POINT, name: entryPoint, reason: error }],
    );
  }

  #wishOf({ name, payload }: Resource): ListenerWish | { entryPoint: string; error: string } {
    const override = this.#init.overrides.get(name);
    const local = override === undefined ? undefined : parseHostPort(override);
    try {
      const { body } = ResourceBody.decode(payload);
      if (body?.$case === "entryPoint") {
        const { host, port } = local ?? body.value;
        const isUdp = body.value.udp !== undefined;
        return { entryPoint: name, ...(isUdp && { protocol: "udp" as const }), host, port };
      }
    } catch {
      // Said below: whatever is wrong with the bytes, there is no address in them.
    }
    if (local !== undefined) return { entryPoint: name, ...local };
    return { entryPoint: name, error: `Cannot read entry point "${name}": its payload is not one` };
  }
}

/**
 * Runs all providers and makes one tagged sequence of what they say (stage 2). Providers are strangers to each other:
 * one that fails to start, throws, or speaks after it was stopped costs nobody else anything.
 */
import { errorText } from "../../foundation/error-text.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Provider, ProviderEvent } from "../provider/provider.ts";
import { ProviderThrottle } from "./provider-throttle.ts";
import type { TaggedEvent } from "./tagged-event.ts";

export interface ProviderAggregatorInit {
  /** Started in this order; names are unique. */
  readonly providers: readonly Provider[];
  readonly throttleMs: number;
  readonly deliver: (tagged: TaggedEvent) => void;
  readonly log: Logger;
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "started"; readonly stopping: AbortController }
  | { readonly kind: "stopped"; readonly done: Promise<void> };

export class ProviderAggregator implements AsyncDisposable {
  readonly #init: ProviderAggregatorInit;
  readonly #throttles = new Map<Provider, ProviderThrottle>();
  #state: State = { kind: "idle" };

  constructor(init: ProviderAggregatorInit) {
    const names = new Set(init.providers.map(({ name }) => name));
    if (names.size < init.providers.length) {
      throw new Error("Cannot aggregate providers: two have the same name");
    }
    this.#init = init;
  }

  /**
   * Starts every provider without waiting for any: one that hangs must not keep the others from starting. Its failure
   * to start is logged and told to the next stage as `unavailable`. Aborting `signal` stops all.
   */
  start(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#state.kind !== "idle") {
      throw new Error(`Cannot start providers: the aggregator is ${this.#state.kind}`);
    }
    const stopping = new AbortController();
    this.#state = { kind: "started", stopping };
    signal.addEventListener("abort", () => void this.stop(), { once: true });
    for (const provider of this.#init.providers) void this.#run(provider, stopping.signal);
  }

  /** Nothing is delivered from the moment it is called. Repeatable; resolves when all providers have stopped. */
  stop(): Promise<void> {
    if (this.#state.kind === "stopped") return this.#state.done;
    if (this.#state.kind === "started") this.#state.stopping.abort();
    for (const throttle of this.#throttles.values()) throttle.stop();
    const done = Promise.all(this.#init.providers.map((provider) => this.#stopProvider(provider)));
    this.#state = { kind: "stopped", done: done.then(() => {}) };
    return this.#state.done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(provider: Provider, signal: AbortSignal): Promise<void> {
    const throttle = new ProviderThrottle(this.#init.throttleMs, (event) =>
      this.#deliver(provider.name, event),
    );
    this.#throttles.set(provider, throttle);
    const emit = (event: ProviderEvent) => {
      if (!signal.aborted) throttle.accept(event);
    };
    try {
      await provider.start(emit, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#init.log.error("provider failed to start", { provider: provider.name, error });
      emit({ kind: "unavailable", reason: errorText(error) });
    }
  }

  /** A fault of a later stage must not come out inside a provider's own event callback. */
  #deliver(provider: string, event: ProviderEvent): void {
    try {
      this.#init.deliver({ provider, event });
    } catch (error) {
      this.#init.log.error("provider event could not be taken in", {
        provider,
        event: event.kind,
        error,
      });
    }
  }

  async #stopProvider(provider: Provider): Promise<void> {
    try {
      await provider.stop();
    } catch (error) {
      this.#init.log.error("provider failed to stop", { provider: provider.name, error });
    }
  }
}

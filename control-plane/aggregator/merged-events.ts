/**
 * What one provider said while nobody was listening, merged: the newest value of each object, the newest state of its
 * source, the newest problems, and the marks behind the changes they follow. Bounded by the number of objects, not by the number of events, and nothing
 * is lost by merging. Changes that belong together stay together, because the whole is taken out at once.
 */
import { objectId } from "../../config-model/dynamic/object-key.ts";
import type { SourceChange } from "../../config-model/dynamic/source-object.ts";
import type { SourceState } from "../../config-model/snapshot/source-digest.ts";
import type { ProviderEvent } from "../provider/provider.ts";

type EventOf<Kind extends ProviderEvent["kind"]> = Extract<ProviderEvent, { kind: Kind }>;

export class MergedEvents {
  readonly #changes = new Map<string, SourceChange>();
  #source: SourceState | undefined;
  #problems: EventOf<"problems"> | undefined;
  #complete: EventOf<"complete"> | undefined;
  #unavailable: EventOf<"unavailable"> | undefined;

  get isEmpty(): boolean {
    return (
      !this.hasChanges &&
      this.#problems === undefined &&
      this.#complete === undefined &&
      this.#unavailable === undefined
    );
  }

  get hasChanges(): boolean {
    return this.#changes.size > 0 || this.#source !== undefined;
  }

  add(event: ProviderEvent): void {
    switch (event.kind) {
      case "changes":
        for (const change of event.changes) this.#changes.set(objectId(change.key), change);
        this.#source = event.source ?? this.#source;
        return;
      case "problems":
        this.#problems = event;
        return;
      case "complete":
        this.#complete = event;
        this.#unavailable = undefined;
        return;
      case "unavailable":
        this.#unavailable = event;
        return;
    }
  }

  /** Takes everything out, in an order in which no mark comes before the changes it covers. */
  take(): ProviderEvent[] {
    const events: ProviderEvent[] = [];
    if (this.hasChanges) {
      events.push({
        kind: "changes",
        changes: [...this.#changes.values()],
        ...(this.#source !== undefined && { source: this.#source }),
      });
      this.#changes.clear();
      this.#source = undefined;
    }
    for (const event of [this.#problems, this.#complete, this.#unavailable]) {
      if (event !== undefined) events.push(event);
    }
    this.#problems = undefined;
    this.#complete = undefined;
    this.#unavailable = undefined;
    return events;
  }
}

import { MemorySnapshotStore } from "../../support/memory-snapshot-store.ts";

/** What a control plane would offer that took a store it cannot reach for an empty one. */
export class EmptyWhenUnreadStore extends MemorySnapshotStore {
  constructor() {
    super("fleet-of-nobody");
  }
}

import type { CommittedState } from "../../../../control-plane/snapshot-store/committed-state.ts";

/** The same state with some of its answers replaced. */
export function wrappedState(
  committed: CommittedState,
  replaced: Partial<CommittedState>,
): CommittedState {
  return {
    get head() {
      return "head" in replaced ? replaced.head : committed.head;
    },
    get: (id) => committed.get(id),
    full: () => replaced.full?.() ?? committed.full(),
    onChange: (listener) => committed.onChange(listener),
    deltaSince: (base) =>
      replaced.deltaSince === undefined ? committed.deltaSince(base) : replaced.deltaSince(base),
  };
}

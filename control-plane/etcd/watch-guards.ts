/**
 * What keeps a watch exact through faults. All of it is always on; tests switch one off at a time, to see that their
 * fault would be noticed.
 */
export interface WatchGuards {
  /** Large answers are asked for in fragments, which are put together again. */
  readonly fragments: boolean;
  /** Where a stream goes on: after the last event that was handed over. The others lose what was written meanwhile. */
  readonly resumes: "afterLastEvent" | "afterHeader" | "now";
  /** The events of one revision are handed over together. */
  readonly wholeRevisions: boolean;
  /** An idle stream is asked for a sign of life. */
  readonly asksForProgress: boolean;
  /** A stream that gives none has failed. */
  readonly detectsSilence: boolean;
  /** What was compacted away is made up for by a list. */
  readonly listsWhenCompacted: boolean;
  /** Cluster id, revision and a key that is known are compared whenever a stream is opened again. */
  readonly comparesStores: boolean;
}

export const allWatchGuards: WatchGuards = {
  fragments: true,
  resumes: "afterLastEvent",
  wholeRevisions: true,
  asksForProgress: true,
  detectsSilence: true,
  listsWhenCompacted: true,
  comparesStores: true,
};

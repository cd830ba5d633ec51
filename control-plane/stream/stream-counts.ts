/** What this control plane's streams have done since it started; for metrics. */
export interface StreamCounts {
  fullTransfers: number;
  deltas: number;
  /** Of transfers, as handed to the transport. */
  bytes: number;
  /** Full transfers that became due because something was not as it had to be. */
  repairs: number;
  /** Transfers that nodes could not use. */
  failures: number;
  /** Streams that were not let in: too many at once. */
  delayed: number;
  /** Streams that ended because the node did not read or did not speak. */
  silent: number;
}

export function createStreamCounts(): StreamCounts {
  return {
    fullTransfers: 0,
    deltas: 0,
    bytes: 0,
    repairs: 0,
    failures: 0,
    delayed: 0,
    silent: 0,
  };
}

/** What a timer can hold (24 days); longer is as good as for ever. Negative durations count as none. */
export function clampTimerMs(ms: number): number {
  return Math.max(0, Math.min(2_147_483_647, ms));
}

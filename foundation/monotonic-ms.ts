/** Milliseconds of the machine's monotonic clock, truncated to 31 bits: comparable between threads of a process. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1_000 + Math.trunc(nanoseconds / 1e6)) & 0x7fff_ffff;
}

/** `later - earlier` across the wrap-around. */
export function elapsedMs(earlier: number, later: number): number {
  return (later - earlier) & 0x7fff_ffff;
}

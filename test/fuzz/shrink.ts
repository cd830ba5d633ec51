const maxMs = 5_000;
const maxAttempts = 3_000;

/** A shorter text that fails too: pieces are left out, halves first, single characters last. */
export function shrink(text: string, stillFails: (candidate: string) => boolean): string {
  const endsAt = performance.now() + maxMs;
  let attempts = 0;
  let best = text;
  const fails = (candidate: string) => {
    attempts++;
    return stillFails(candidate);
  };
  const exhausted = () => attempts >= maxAttempts || performance.now() > endsAt;
  for (let size = Math.ceil(best.length / 2); size >= 1 && !exhausted(); ) {
    let removed = false;
    for (let at = 0; at < best.length && !exhausted(); ) {
      const candidate = best.slice(0, at) + best.slice(at + size);
      if (fails(candidate)) {
        best = candidate;
        removed = true;
      } else {
        at += size;
      }
    }
    if (size > 1 || !removed) size = Math.floor(size / 2);
  }
  return best;
}

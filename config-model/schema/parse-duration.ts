const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Milliseconds of a plain integer (seconds) or a Go duration (`1m30s`, `250ms`); absent when it is neither. What is
 * shorter than a millisecond becomes one: zero often means "no limit".
 */
export function parseDuration(text: string): number | undefined {
  const [, sign = "", rest = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  const ms = /^\d+$/.test(rest) ? Number(rest) * 1_000 : parseParts(rest);
  if (ms === undefined) return undefined;
  const whole = ms > 0 ? Math.max(1, Math.round(ms)) : 0;
  return sign === "-" && whole > 0 ? -whole : whole;
}

function parseParts(text: string): number | undefined {
  if (text === "") return undefined;
  let totalMs = 0;
  part.lastIndex = 0;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null) return undefined;
    totalMs += Number(match[1]) * (unitMs[match[2] ?? ""] ?? 0);
  }
  return totalMs;
}

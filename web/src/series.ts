// Rates from counters. A counter only grows until its process starts anew; then it begins at nothing.

export interface Point {
  timeUs: number;
  perSecond: number;
}

interface Counted {
  timeUs: number;
  value: number;
}

/** The rate between each two samples; nothing where the counter began anew. */
export function rates(samples: readonly Counted[]): Point[] {
  const points: Point[] = [];
  for (let at = 1; at < samples.length; at += 1) {
    const before = samples[at - 1];
    const now = samples[at];
    if (before === undefined || now === undefined) continue;
    const seconds = (now.timeUs - before.timeUs) / 1e6;
    if (seconds <= 0 || now.value < before.value) continue;
    points.push({ timeUs: now.timeUs, perSecond: (now.value - before.value) / seconds });
  }
  return points;
}

/** The rate over the last `seconds` of the samples; null when they do not tell. */
export function rateNow(samples: readonly Counted[], seconds: number): number | null {
  const last = samples.at(-1);
  if (last === undefined) return null;
  const since = last.timeUs - seconds * 1e6;
  let first = last;
  for (let at = samples.length - 2; at >= 0; at -= 1) {
    const sample = samples[at];
    if (sample === undefined || sample.value > first.value || sample.timeUs < since) break;
    first = sample;
  }
  const span = (last.timeUs - first.timeUs) / 1e6;
  return span > 0 ? (last.value - first.value) / span : null;
}

/** A round number at or above `value`, for the top of an axis. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 2.5, 5, 10]) {
    if (step * power >= value) return step * power;
  }
  return 10 * power;
}

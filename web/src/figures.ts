// Numbers, sizes and times in few words. Times are microseconds unless a name says otherwise.

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const TENTH = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

export function count(n: number): string {
  return WHOLE.format(n);
}

/** So many of a thing. */
export function counted(n: number | undefined, one: string, many: string): string {
  return `${WHOLE.format(n ?? 0)} ${n === 1 ? one : many}`;
}

/** Three digits at most, for figures that move: 12.3k. */
export function short(n: number): string {
  const size = Math.abs(n);
  if (size < 1_000) return TENTH.format(size < 100 ? n : Math.round(n));
  for (const [unit, name] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]] as const) {
    if (size >= unit) {
      const scaled = n / unit;
      return `${Math.abs(scaled) < 100 ? TENTH.format(scaled) : WHOLE.format(scaled)}${name}`;
    }
  }
  return String(n);
}

export function bytes(n: number): string {
  for (const [unit, name] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]] as const) {
    if (n >= unit) return `${TENTH.format(n / unit)} ${name}`;
  }
  return `${WHOLE.format(n)} B`;
}

/** How long: the two largest units. */
export function duration(us: number): string {
  const ms = us / 1_000;
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  let s = Math.round(ms / 1_000);
  if (s < 60) return ms < 10_000 ? `${TENTH.format(ms / 1_000)} s` : `${s} s`;
  const units: [number, string][] = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];
  const words: string[] = [];
  for (const [unit, name] of units) {
    if (s >= unit && words.length < 2) {
      words.push(`${Math.floor(s / unit)} ${name}`);
      s %= unit;
    } else if (words.length > 0) break;
  }
  return words.join(" ");
}

/** How long, in one unit. */
export function roughly(us: number): string {
  const units: [number, number, string][] = [[172_800e6, 86_400e6, "d"], [7_200e6, 3_600e6, "h"], [60e6, 60e6, "min"]];
  const [, unit, name] = units.find(([from]) => us >= from) ?? [0, 1e6, "s"];
  return `${Math.round(us / unit)} ${name}`;
}

/** How long ago or ahead, as seen at `nowMs`. */
export function ago(timeMs: number, nowMs: number): string {
  const away = nowMs - timeMs;
  if (!Number.isFinite(away)) return "at an unknown time";
  const size = Math.abs(away);
  if (size < 5_000) return "now";
  const units: [number, string][] = [[31_536_000_000, "y"], [86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"]];
  const [unit, name] = units.find(([unit]) => size >= unit) ?? [1_000, "s"];
  const text = `${Math.floor(size / unit)} ${name}`;
  return away >= 0 ? `${text} ago` : `in ${text}`;
}

/** A share of a whole; never rounded up to all or down to none. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  if (percent < 100 && percent > 99.9) return "> 99.9 %";
  return `${TENTH.format(percent)} %`;
}

/** Words for a label of the program: `in_progress` is "in progress". */
export function words(label: string): string {
  return label.replaceAll(/[_-]/g, " ");
}

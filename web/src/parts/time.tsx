// A moment, as how long ago it is; the exact time is its title.
import { ago } from "../figures.ts";
import { useNow } from "../load.ts";

export function Time({ ms }: { ms: number }) {
  const now = useNow(5_000);
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return <span>at an unknown time</span>;
  const iso = new Date(ms).toISOString();
  return (
    <time dateTime={iso} title={iso}>
      {ago(ms, now)}
    </time>
  );
}

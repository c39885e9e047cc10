// The sources ingest follows: is it connected, how far has each come, how fast, and what went wrong last.
import { useEffect, useRef, useState } from "react";
import { count, duration, short, words } from "../figures.ts";
import { rateNow } from "../series.ts";
import type { Source } from "../types.ts";
import { Badge, type Mood } from "./figure.tsx";
import { Time } from "./time.tsx";

/** Answers remembered for a rate. */
const KEPT = 8;

interface Props {
  sources: Source[];
  bySource: Record<string, number>;
  nowUs: number;
}

export function Sources({ sources, bySource, nowUs }: Props) {
  const rate = useSourceRates(bySource, nowUs);
  if (sources.length === 0) return <p className="state">No source is configured: nothing is read from the network.</p>;
  return (
    <ul className="sources">
      {sources.map((source) => (
        <li key={source.name} className="card" data-item>
          <div className="card-head">
            <h3>
              {source.name} <Badge mood={state(source)[0]}>{state(source)[1]}</Badge>
            </h3>
            <span className="muted break">
              {words(source.kind)} · {source.url}
            </span>
          </div>
          <dl className="row">
            <Cell name="Rate" value={rate[source.name] === undefined ? "–" : `${short(rate[source.name] ?? 0)} /s`} />
            <Cell name="Behind" value={source.lagUs === null ? "–" : duration(source.lagUs)} />
            <Cell name="Received" value={seq(source.receivedSeq)} />
            <Cell name="Judged" value={seq(source.verifiedSeq)} />
            <Cell name="In the log" value={seq(source.appendedSeq)} />
            <Cell name="Cursor" value={seq(source.cursor)} />
            <Cell name="Shown" value={seq(source.visibleSeq)} />
            <Cell name="In work" value={count(source.outstanding)} />
          </dl>
          {source.lastError !== null && <p className="error break">{source.lastError}</p>}
          {source.gap != null && (
            <p className="warning">
              {count(source.gaps ?? 1)} gap{source.gaps === 1 ? "" : "s"} in its stream, the last <Time ms={source.gap.noticedUs / 1_000} /> (
              {words(source.gap.reason)}
              {source.gap.from !== null && source.gap.to !== null && `, ${count(source.gap.from)} to ${count(source.gap.to)}`}).
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}

function Cell({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="number">{value}</dd>
    </div>
  );
}

function seq(n: number | null): string {
  return n === null ? "–" : count(n);
}

function state(source: Source): [Mood, string] {
  if (source.stopped) return ["bad", "stopped"];
  if (source.paused) return ["warn", "paused"];
  return source.connected ? ["good", "connected"] : ["bad", "not connected"];
}

/** Events a second of each source, from the answers seen on this page. */
function useSourceRates(bySource: Record<string, number>, nowUs: number): Record<string, number> {
  const seen = useRef<{ timeUs: number; by: Record<string, number> }[]>([]);
  const [shown, setShown] = useState<Record<string, number>>({});
  useEffect(() => {
    if (seen.current.at(-1)?.timeUs === nowUs) return;
    seen.current = [...seen.current.slice(1 - KEPT), { timeUs: nowUs, by: bySource }];
    const found: Record<string, number> = {};
    for (const name of Object.keys(bySource)) {
      const rate = rateNow(seen.current.map(({ timeUs, by }) => ({ timeUs, value: by[name] ?? 0 })), 10);
      if (rate !== null) found[name] = rate;
    }
    setShown(found);
  }, [bySource, nowUs]);
  return shown;
}

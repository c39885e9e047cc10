// One figure with its name, and a list of names with values.
import type { ReactNode } from "react";

export type Mood = "good" | "warn" | "bad" | "plain";

export function Figure({ name, value, more, mood = "plain" }: { name: string; value: ReactNode; more?: ReactNode; mood?: Mood }) {
  return (
    <div className={`figure ${mood}`}>
      <dt>{name}</dt>
      <dd>
        <span className="value">{value}</span>
        {more !== undefined && <span className="muted more">{more}</span>}
      </dd>
    </div>
  );
}

export function Facts({ facts, wide = false }: { facts: [string, ReactNode][]; wide?: boolean }) {
  return (
    <dl className={wide ? "facts wide" : "facts"}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Badge({ mood, children }: { mood: Mood; children: ReactNode }) {
  return <span className={`badge ${mood}`}>{children}</span>;
}

/** A part of a whole as a bar; the figure stands beside it. */
export function Bar({ part, whole, mood }: { part: number; whole: number; mood: Mood }) {
  const width = whole > 0 ? Math.max(part > 0 ? 1 : 0, (100 * part) / whole) : 0;
  return (
    <svg className={`bar ${mood}`} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect className="track" width="100" height="4" />
      <rect className="part" width={width} height="4" />
    </svg>
  );
}

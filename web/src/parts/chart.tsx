// A rate or an amount over time, drawn by hand: an area for one series, a line for another. The figures stand in the text
// beside it, so the drawing itself is one picture with a name.
import { useEffect, useId, useRef, useState } from "react";
import { roughly, short } from "../figures.ts";
import { type Point, roundUp } from "../series.ts";

const HEIGHT = 170;
const LEFT = 44;
const BOTTOM = 20;
const TOP = 8;

interface Props {
  label: string;
  area: Point[];
  line?: Point[];
  /** Both ends of the time axis. */
  fromUs: number;
  toUs: number;
}

export function Chart({ label, area, line = [], fromUs, toUs }: Props) {
  const titleId = useId();
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    // Drawn in the page's own pixels, so that letters keep their size.
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const top = roundUp(Math.max(0, ...area.map((point) => point.perSecond), ...line.map((point) => point.perSecond)));
  const span = Math.max(1, toUs - fromUs);
  const x = (timeUs: number) => LEFT + ((timeUs - fromUs) / span) * (width - LEFT);
  const y = (value: number) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const path = (points: Point[]) =>
    points.map((point, at) => `${at === 0 ? "M" : "L"}${x(point.timeUs).toFixed(1)} ${y(point.perSecond).toFixed(1)}`).join("");
  const first = area[0];
  const last = area.at(-1);
  return (
    <div ref={box} className="chart">
      <svg width={width} height={HEIGHT} role="img" aria-labelledby={titleId}>
      <title id={titleId}>{label}</title>
      {[0, 0.5, 1].map((part) => (
        <g key={part}>
          <line className="grid" x1={LEFT} x2={width} y1={y(top * part)} y2={y(top * part)} />
          <text x={LEFT - 6} y={y(top * part) + 4} textAnchor="end">
            {short(top * part)}
          </text>
        </g>
      ))}
      <text x={LEFT} y={HEIGHT - 4}>
        {`${roughly(span)} ago`}
      </text>
      <text x={width} y={HEIGHT - 4} textAnchor="end">
        now
      </text>
      {first !== undefined && last !== undefined && (
        <>
          <path className="area" d={`${path(area)}L${x(last.timeUs).toFixed(1)} ${y(0)}L${x(first.timeUs).toFixed(1)} ${y(0)}Z`} />
          <path className="edge" d={path(area)} />
        </>
      )}
      {line.length > 0 && <path className="line" d={path(line)} />}
      </svg>
    </div>
  );
}

// Buttons whose effect is shown before it is certain, and what stands beside them when it was refused.
import { useSyncExternalStore, type ReactNode } from "react";
import { short } from "../figures.ts";
import { type Wish, wishes } from "../wishes.ts";
import type { Toggle } from "../write.ts";

/** What is wished of a subject, if anything. */
export function useWish(key: string): Wish | undefined {
  return useSyncExternalStore(wishes.subscribe, () => wishes.get(key));
}

export function turn({ key, from, act }: Toggle, on: boolean) {
  wishes.wish(key, from, on, act);
}

const ICONS = {
  reply: "M20 12a7.500 7.500 0 0 1-7.500 7.500H4l2-3A7.500 7.500 0 1 1 20 12Z",
  repost: "M4 9l3-3 3 3M7 6v9a3 3 0 0 0 3 3h3M20 15l-3 3-3-3M17 18V9a3 3 0 0 0-3-3h-3",
  quote: "M10 7H5v6h4c0 2-1 3.500-3 4M20 7h-5v6h4c0 2-1 3.500-3 4",
  like: "M12 20S4 15.500 4 9.500A4.300 4.300 0 0 1 12 7.200 4.300 4.300 0 0 1 20 9.500C20 15.500 12 20 12 20Z",
  bookmark: "M6 4h12v16l-6-4-6 4Z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
};

export function Icon({ of }: { of: keyof typeof ICONS }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={ICONS[of]} />
    </svg>
  );
}

interface CountProps {
  toggle: Toggle;
  icon: keyof typeof ICONS;
  /** Without what was wished since the answer came. */
  count?: number | undefined;
  name: string;
}

/** A symbol with a count: liked or not. */
export function CountToggle({ toggle, icon, count, name }: CountProps) {
  const wish = useWish(toggle.key);
  const on = wish?.on ?? toggle.from.on;
  const shown = Math.max(0, (count ?? 0) + Number(on) - Number(toggle.from.on));
  return (
    <button type="button" className={`act ${icon}`} aria-pressed={on} aria-busy={wish?.phase === "asked"} onClick={() => turn(toggle, !on)}>
      <Icon of={icon} />
      <span className="hidden">{name}</span>
      {count !== undefined && <span className="number">{short(shown)}</span>}
      <Unsure wish={wish} />
    </button>
  );
}

/** A button in words: "Follow", or "Following" when it is on. */
export function WordToggle({ toggle, off, on, danger = false, plain = false }: { toggle: Toggle; off: string; on: string; danger?: boolean; plain?: boolean }) {
  const wish = useWish(toggle.key);
  const isOn = wish?.on ?? toggle.from.on;
  const style = isOn || plain ? undefined : danger ? "danger" : "primary";
  return (
    <button type="button" className={style} aria-busy={wish?.phase === "asked"} onClick={() => turn(toggle, !isOn)}>
      {isOn ? on : off}
      <Unsure wish={wish} />
    </button>
  );
}

/** A mark of what is on its way. */
export function Unsure({ wish }: { wish: Wish | undefined }) {
  if (wish?.phase !== "asked") return null;
  return (
    <span className="unsure" title="Not confirmed yet">
      <span className="hidden">, not confirmed yet</span>
    </span>
  );
}

/** What was refused of these, with its reason; each can be tried again. */
export function Refused({ of }: { of: [key: string, what: string][] }) {
  return (
    <div role="alert" className="refusals">
      {of.map(([key, what]) => (
        <OneRefused key={key} of={key} what={what} />
      ))}
    </div>
  );
}

function OneRefused({ of, what }: { of: string; what: string }) {
  const wish = useWish(of);
  if (wish?.phase !== "refused") return null;
  return (
    <Refusal why={wish.why} what={what}>
      <button type="button" onClick={() => wishes.again(of)}>
        Try again
      </button>
      <button type="button" className="quiet" onClick={() => wishes.forget(of)}>
        Leave it
      </button>
    </Refusal>
  );
}

export function Refusal({ why, what, children }: { why: string | null; what: string; children: ReactNode }) {
  return (
    <div className="refusal">
      <p className="break">
        <strong>{what}</strong> {why}
      </p>
      <div className="actions">{children}</div>
    </div>
  );
}

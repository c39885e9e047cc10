// How homes do, in words and moods: what the page of feeds says of the figures.
import { count, counted, duration, short } from "./figures.ts";
import type { Point } from "./series.ts";
import type { Feeds, HomesStanding, PagesFound, Sizes, Timing } from "./types.ts";

export type Mood = "good" | "warn" | "bad" | "plain";

/** What is to be held: a page within, a way into less than 1,000 homes within, and pages that are served again. */
export const PAGE_US = 200_000;
export const FAN_OUT_US = 500_000;
export const CACHE_SHARE = 0.7;
/** Of fewer pages a share says nothing. */
const PAGES_THAT_TELL = 100;
/** So many items on their way are more than a moment's work. */
const MANY_WAITING = 5_000;

/** A step of the ladder, the best first. */
export interface Rung {
  key: string;
  name: string;
  what: string;
  timing: Timing | null;
  mood: Mood;
}

const NONE: PagesFound = { bySource: [], steps: [], stepSeconds: 0 };

export function rungs(feeds: Feeds): Rung[] {
  const made = feeds.homes.status?.pages ?? NONE;
  const of = (pages: PagesFound, name: string) => pages.bySource.find((one) => one.name === name) ?? null;
  const rung = (pages: PagesFound, source: string, key: string, what: string, worse: Mood): Rung => {
    const timing = of(pages, source);
    const some = timing !== null && timing.count > 0;
    const late = some && timing.p99Us > PAGE_US;
    const mood: Mood = !some ? "plain" : worse === "bad" ? "bad" : late ? "warn" : worse;
    return { key, name: source, what, timing, mood };
  };
  const asked = feeds.enabled ? "looked up by the data-plane: homes did not answer" : "looked up by the data-plane: homes are not made";
  const own = [
    rung(made, "cache", "cache", "an order that was served before", "good"),
    rung(made, "user_feeds", "user_feeds", "the lines of the home", "good"),
    rung(made, "pull", "pull", "looked up by homes: not made yet, or too far behind", "plain"),
  ];
  return [
    ...(feeds.enabled ? own : []),
    rung(feeds.withoutHomes, "pull", "pull beside", asked, feeds.enabled ? "warn" : "plain"),
    rung(feeds.withoutHomes, "author", "author", "the reader's own posts alone: nobody could be looked up", "bad"),
  ];
}

/** All pages, from wherever. */
export function pagesIn(rungs: Rung[]): number {
  return rungs.reduce((sum, rung) => sum + (rung.timing?.count ?? 0), 0);
}

/** How much of what was asked was an order that had been served before. */
export function cached(rungs: Rung[]): { part: number; whole: number; mood: Mood } {
  const part = rungs.find((rung) => rung.key === "cache")?.timing?.count ?? 0;
  const whole = pagesIn(rungs);
  return { part, whole, mood: whole >= PAGES_THAT_TELL && part < CACHE_SHARE * whole ? "warn" : "plain" };
}

/** Pages a second, of both halves together, step after step. */
export function pageRates(feeds: Feeds): Point[] {
  const halves = [feeds.homes.status?.pages ?? NONE, feeds.withoutHomes];
  const counts = new Map<number, number>();
  for (const { steps, stepSeconds } of halves) {
    for (const { untilUs, count } of steps) {
      counts.set(untilUs, (counts.get(untilUs) ?? 0) + count / Math.max(1, stepSeconds));
    }
  }
  return [...counts].sort(([a], [b]) => a - b).map(([timeUs, perSecond]) => ({ timeUs, perSecond }));
}

/** How much more there is than so long ago; null where that is not known. */
export function growth(sizes: readonly Sizes[], of: (size: Sizes) => number, us: number): number | null {
  const last = sizes.at(-1);
  if (last === undefined) return null;
  const before = sizes.findLast((size) => size.atUs <= last.atUs - us);
  return before === undefined ? null : of(last) - of(before);
}

/** A time out of buckets; below the first nothing is known but that. */
export function took(us: number): string {
  return us < 500 ? "< 0.5 ms" : us < 10_000 ? `${(us / 1_000).toFixed(1)} ms` : duration(us);
}

/** So often, in a unit in which it is not nothing. */
export function rate(perSecond: number): { value: string; unit: string } {
  return perSecond > 0 && perSecond < 1 ? { value: short(perSecond * 60), unit: "/min" } : { value: short(perSecond), unit: "/s" };
}

/** With its sign. */
export function more(n: number | null): string {
  return n === null ? "–" : n > 0 ? `+${count(n)}` : count(n);
}

/** In one sentence: how it goes. */
export function verdict(feeds: Feeds): { mood: Mood; text: string } {
  if (!feeds.enabled) return { mood: "plain", text: "Homes are not made here: each is looked up when it is read" };
  const homes = feeds.homes.status;
  if (homes === null) return { mood: "bad", text: "Homes do not answer: they are read by pull" };
  if (homes.isPulled) return { mood: "warn", text: `Homes are read by pull: they are ${duration(homes.lagUs)} behind` };
  if (homes.parked > 0) return { mood: "warn", text: `${counted(homes.parked, "item was", "items were")} given up on the way into homes` };
  if (homes.waiting > MANY_WAITING) return { mood: "warn", text: `${count(homes.waiting)} items are on their way into homes` };
  return { mood: "good", text: "Homes are up to date" };
}

export function lagMood(homes: HomesStanding): Mood {
  return homes.isPulled ? "bad" : homes.lagUs > homes.lagUsMax / 2 ? "warn" : "plain";
}

const SIZE_NAMES: Record<string, string> = {
  "<100": "fewer than 100",
  "<1000": "100 to 999",
  "<10000": "1,000 to 9,999",
  ">=10000": "10,000 and more",
};

/** Ways into homes by how many have the item at the end. */
export function ways(homes: HomesStanding): { name: string; timing: Timing; mood: Mood }[] {
  return homes.fanOut.map((timing) => {
    const bound = timing.name === "<100" || timing.name === "<1000" ? FAN_OUT_US : Number.POSITIVE_INFINITY;
    const mood: Mood = timing.count === 0 ? "plain" : timing.p99Us > bound ? "warn" : "good";
    return { name: SIZE_NAMES[timing.name] ?? timing.name, timing, mood };
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { cached, growth, lagMood, more, pageRates, pagesIn, rate, rungs, took, verdict, ways } from "./homes.ts";
import type { Feeds, HomesStanding, PagesFound, Sizes, Timing } from "./types.ts";

const timing = (name: string, count: number, p99Us = 1_000): Timing => ({ name, count, p50Us: 500, p99Us });
const pages = (...bySource: Timing[]): PagesFound => ({ bySource, steps: [], stepSeconds: 5 });
const NOBODY = pages(timing("pull", 0), timing("author", 0));

function homes(of: Partial<HomesStanding> = {}): HomesStanding {
  return {
    nowUs: 0, startedUs: 0, pages: NOBODY, fanOut: [], lagUs: 0, lagUsMax: 30e6, lagEntries: 0, isPulled: false,
    waiting: 0, parked: 0, unbuilt: 0, unsettled: 0, sizes: [], ...of,
  };
}

function feeds(of: Partial<HomesStanding> | null, withoutHomes = NOBODY, enabled = true): Feeds {
  const status = of === null ? null : homes(of);
  return { nowUs: 0, startedUs: 0, seconds: 900, enabled, homes: { status, error: null }, withoutHomes };
}

test("what homes found and what was found without them are steps of one ladder", () => {
  const made = pages(timing("cache", 70), timing("user_feeds", 20), timing("pull", 5), timing("author", 0));
  const ladder = rungs(feeds({ pages: made }, pages(timing("cache", 0), timing("pull", 4), timing("author", 1))));
  assert.deepEqual(ladder.map((rung) => [rung.name, rung.timing?.count, rung.mood]), [
    ["cache", 70, "good"], ["user_feeds", 20, "good"], ["pull", 5, "plain"], ["pull", 4, "warn"], ["author", 1, "bad"],
  ]);
  assert.equal(pagesIn(ladder), 100);
  assert.deepEqual(cached(ladder), { part: 70, whole: 100, mood: "plain" });
});

test("a source that is late is told as such, and one of which there is nothing is nothing", () => {
  const ladder = rungs(feeds({ pages: pages(timing("user_feeds", 1, 300_000)) }));
  assert.deepEqual(ladder.map((rung) => rung.mood), ["plain", "warn", "plain", "plain", "plain"]);
});

test("where homes are not made, looking up is what is to be", () => {
  const ladder = rungs(feeds(null, pages(timing("pull", 3)), false));
  assert.deepEqual(ladder.map((rung) => [rung.name, rung.mood]), [["pull", "plain"], ["author", "plain"]]);
});

test("a share of few pages says nothing", () => {
  const of = (hits: number, others: number) => cached(rungs(feeds({ pages: pages(timing("cache", hits), timing("user_feeds", others)) }))).mood;
  assert.equal(of(1, 5), "plain");
  assert.equal(of(50, 60), "warn");
  assert.equal(of(90, 20), "plain");
});

test("the sentence above names the worst", () => {
  const cases: [Feeds, string, string][] = [
    [feeds({}), "good", "Homes are up to date"],
    [feeds({ waiting: 6_000 }), "warn", "6,000 items are on their way into homes"],
    [feeds({ waiting: 6_000, parked: 1 }), "warn", "1 item was given up on the way into homes"],
    [feeds({ parked: 1, isPulled: true, lagUs: 45e6 }), "warn", "Homes are read by pull: they are 45 s behind"],
    [feeds(null), "bad", "Homes do not answer: they are read by pull"],
    [feeds(null, NOBODY, false), "plain", "Homes are not made here: each is looked up when it is read"],
  ];
  for (const [given, mood, text] of cases) assert.deepEqual(verdict(given), { mood, text });
  assert.equal(lagMood(homes({ lagUs: 1e6 })), "plain");
  assert.equal(lagMood(homes({ lagUs: 16e6 })), "warn");
});

test("rates are of both halves together", () => {
  const steps = (...counts: number[]) => ({ ...NOBODY, steps: counts.map((count, at) => ({ untilUs: at * 5e6, count })) });
  const points = pageRates(feeds({ pages: steps(10, 0, 5) }, steps(5, 0, 0)));
  assert.deepEqual(points.map((point) => point.perSecond), [3, 0, 1]);
  assert.deepEqual(pageRates(feeds(null, steps(5))).map((point) => point.perSecond), [1]);
});

test("growth is from what is known of then", () => {
  const at = (minutes: number, lines: number): Sizes => ({ atUs: minutes * 60e6, lines, readers: 1, jobs: 0, announced: 0 });
  const lines = (size: Sizes) => size.lines;
  const sizes = [at(0, 100), at(10, 150), at(65, 400), at(70, 380)];
  assert.equal(growth(sizes, lines, 3_600e6), 230);
  assert.equal(growth(sizes, lines, 86_400e6), null);
  assert.equal(growth([], lines, 60e6), null);
  assert.deepEqual([more(5), more(0), more(-1_200), more(null)], ["+5", "0", "-1,200", "–"]);
});

test("ways into homes are judged where there is a bound", () => {
  const fanOut = [timing("<100", 0), timing("<1000", 2, 600_000), timing("<10000", 2, 600_000)];
  assert.deepEqual(ways(homes({ fanOut })).map((way) => [way.name, way.mood]), [["fewer than 100", "plain"], ["100 to 999", "warn"], ["1,000 to 9,999", "good"]]);
});

test("what is rare is told by the minute", () => {
  const said = (perSecond: number) => Object.values(rate(perSecond)).join(" ");
  assert.deepEqual([0, 0.005, 0.5, 1, 1_234].map(said), ["0 /s", "0.3 /min", "30 /min", "1 /s", "1.2k /s"]);
});

test("times out of buckets are no more exact than these", () => {
  const cases: [number, string][] = [[120, "< 0.5 ms"], [1_530, "1.5 ms"], [150_000, "150 ms"], [2_500_000, "2.5 s"]];
  for (const [us, text] of cases) assert.equal(took(us), text);
});

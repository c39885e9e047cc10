import assert from "node:assert/strict";
import { test } from "node:test";
import { rateNow, rates, roundUp } from "./series.ts";

const samples = (values: number[]) => values.map((value, at) => ({ timeUs: at * 2e6, value }));

test("a rate is what was counted by the time it took", () => {
  assert.deepEqual(rates(samples([0, 10, 10, 30])).map((point) => point.perSecond), [5, 0, 10]);
  assert.deepEqual(rates(samples([5])), []);
});

test("a counter that began anew has no rate for that moment", () => {
  assert.deepEqual(rates(samples([100, 110, 4, 24])).map((point) => point.perSecond), [5, 10]);
  assert.equal(rateNow(samples([100, 110, 4, 24]), 60), 10);
});

test("the rate now looks back so far and no further", () => {
  assert.equal(rateNow(samples([0, 1000, 1010, 1020]), 4), 5);
  assert.equal(rateNow(samples([0, 1000]), 10), 500);
  assert.equal(rateNow([], 10), null);
  assert.equal(rateNow(samples([7]), 10), null);
});

test("an axis ends at a round number", () => {
  const cases: [number, number][] = [[0, 1], [0.3, 0.5], [1, 1], [3, 5], [7, 10], [23, 25], [101, 200], [999, 1000], [Number.NaN, 1]];
  for (const [value, top] of cases) assert.equal(roundUp(value), top, String(value));
});

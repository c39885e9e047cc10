import assert from "node:assert/strict";
import { test } from "node:test";
import { exact, isSettled, next } from "./completeness.ts";
import type { AccountState } from "./types.ts";

const state = (syncState: string, own: boolean, did = "did:plc:a") => ({ did, syncState, countsExact: { own, byOthers: false } }) as AccountState;

test("numbers are exact when they were asked for since all of it is here", () => {
  const whole = next(null, state("complete", true), 1_000);
  assert.deepEqual(exact(whole, 500), { own: true, byOthers: false });

  const partial = next(null, state("partial", false), 1_000);
  assert.equal(exact(partial, 900)?.own, false);
  const fetched = next(next(partial, state("in_progress", false), 2_000), state("complete", false), 3_000);
  const seen = next(fetched, state("complete", true), 4_000);
  assert.equal(seen?.turn, 3);
  assert.equal(exact(seen, 3_500)?.own, false, "from before it could be read");
  assert.equal(exact(seen, 4_000)?.own, true);
  const still = next(seen, state("complete", true), 9_000);
  assert.deepEqual([still?.turn, exact(still, 4_000)?.own], [3, true]);
});

test("another account begins anew, and of nobody nothing is said", () => {
  const one = next(next(null, state("partial", false), 1), state("complete", true), 2);
  assert.equal(next(one, state("complete", true, "did:plc:b"), 3)?.turn, 0);
  assert.equal(exact(next(one, null, 3), 4), undefined);
  assert.equal(isSettled(state("complete", true)) && isSettled(state("gone", false)), true);
  assert.equal(isSettled(state("complete", false)) || isSettled(state("partial", false)) || isSettled(state("in_progress", false)), false);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { newTid } from "./tid.ts";

test("keys are what repositories take, and sort by when they were made", () => {
  const made = [newTid(1_700_000_000_000), newTid(1_700_000_000_000), newTid(1_600_000_000_000), newTid(1_700_000_000_001)];
  for (const tid of made) assert.match(tid, /^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/);
  assert.deepEqual(made.toSorted(), made);
  assert.equal(new Set(made).size, made.length);
  // 2023-11-14T22:13:20Z, as others write it.
  assert.equal(made[0]?.slice(0, 9), "3ke6kg3wk");
});

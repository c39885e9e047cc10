import assert from "node:assert/strict";
import { test } from "node:test";
import { countIn, newsSaid, waitMs } from "./live.ts";

test("tries become rarer, and never stop", () => {
  assert.equal(waitMs(0, 1), 2_000);
  assert.equal(waitMs(0, 0), 1_000);
  assert.equal(waitMs(3, 1), 16_000);
  assert.equal(waitMs(10_000, 1), 300_000);
});

test("only a count is a count", () => {
  assert.equal(countIn('{"count":3}'), 3);
  for (const data of ["", "null", "3", '{"count":-1}', '{"count":"3"}', '{"count":1.5}', undefined]) assert.equal(countIn(data), null, String(data));
});

test("new posts are counted up to a number", () => {
  assert.deepEqual([0, 1, 2, 30].map(newsSaid), ["New posts", "1 new post", "2 new posts", "30 or more new posts"]);
});

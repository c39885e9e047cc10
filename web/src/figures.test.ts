import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, bytes, duration, roughly, share, short, words } from "./figures.ts";

test("figures are short", () => {
  const cases: [number, string][] = [[0, "0"], [4.25, "4.3"], [123.4, "123"], [999, "999"], [1_234, "1.2k"], [123_456, "123k"], [5e6, "5M"], [2.5e9, "2.5B"]];
  for (const [n, text] of cases) assert.equal(short(n), text);
  assert.equal(bytes(1_023), "1,023 B");
  assert.equal(bytes(1_536), "1.5 KiB");
});

test("durations have two units at most", () => {
  const cases: [number, string][] = [[0, "0 ms"], [250_000, "250 ms"], [1_500_000, "1.5 s"], [59e6, "59 s"], [61e6, "1 min 1 s"], [3_600e6, "1 h"], [90_061e6, "1 d 1 h"]];
  for (const [us, text] of cases) assert.equal(duration(us), text);
});

test("a rough duration has one unit", () => {
  const cases: [number, string][] = [[4e6, "4 s"], [59e6, "59 s"], [60e6, "1 min"], [298e6, "5 min"], [3_600e6, "60 min"], [7_200e6, "2 h"], [86_400e6, "24 h"], [3 * 86_400e6, "3 d"]];
  for (const [us, text] of cases) assert.equal(roughly(us), text);
});

test("times are told from now", () => {
  assert.equal(ago(1_000, 2_000), "now");
  assert.equal(ago(0, 61_000), "1 min ago");
  assert.equal(ago(7_200_000, 0), "in 2 h");
  assert.equal(ago(Number.NaN, 0), "at an unknown time");
});

test("a share is never rounded to all or nothing", () => {
  assert.equal(share(1, 100_000), "< 0.1 %");
  assert.equal(share(99_999, 100_000), "> 99.9 %");
  assert.equal(share(5, 5), "100 %");
  assert.equal(share(0, 5), "0 %");
  assert.equal(share(0, 0), "–");
  assert.equal(words("in_progress-now"), "in progress now");
});

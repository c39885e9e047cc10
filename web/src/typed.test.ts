import assert from "node:assert/strict";
import { test } from "node:test";
import { saveTyped, typedAt } from "./typed.ts";

test("what was typed is there again until it is sent", () => {
  let kept: string | null = null;
  const storage = { getItem: () => kept, setItem: (_: string, value: string) => void (kept = value) };
  assert.equal(typedAt(storage, "new"), "");
  saveTyped(storage, "new", "half a thought");
  saveTyped(storage, "at://x", "an answer");
  assert.equal(typedAt(storage, "new"), "half a thought");
  saveTyped(storage, "new", "");
  assert.equal(typedAt(storage, "new"), "");
  for (let at = 0; at < 50; at += 1) saveTyped(storage, `at://${at}`, "x");
  assert.equal(typedAt(storage, "at://x"), "", "not for ever");
  kept = "{nonsense";
  assert.equal(typedAt(storage, "new"), "");
});

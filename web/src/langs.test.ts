import assert from "node:assert/strict";
import { test } from "node:test";
import { langName, langs, offered, saveLangs } from "./langs.ts";

function storage(kept: string | null) {
  return { getItem: () => kept, setItem: (_: string, value: string) => void (kept = value) };
}

test("the browser's language until others are chosen", () => {
  const kept = storage(null);
  assert.deepEqual(langs(kept, ["de-AT", "en"]), ["de"]);
  saveLangs(kept, ["en", "ja", "fr", "it"]);
  assert.deepEqual(langs(kept, ["de"]), ["en", "ja", "fr"]);
  saveLangs(kept, []);
  assert.deepEqual(langs(kept, ["de"]), [], "none is a choice, too");
  for (const nonsense of ["{", "7", '["<b>", 1]']) assert.ok(langs(storage(nonsense), ["de"]).length <= 1, nonsense);
});

test("names are for people", () => {
  assert.equal(langName("de"), "German");
  assert.equal(langName("<b>"), "<b>");
  assert.deepEqual(offered(["fi-FI", "??"], ["en"]).slice(0, 3), ["en", "fi", "de"]);
});

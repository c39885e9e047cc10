import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, mood, named, ofAccount } from "./labels.ts";

const label = (val: string, src = "did:plc:labeler") => ({ src, val, uri: "did:plc:a", cts: "2026-01-01T00:00:00Z" });

test("a label warns of the whole, of pictures, or of nothing", () => {
  assert.deepEqual(judge([label("spam")]), { all: null, media: null });
  assert.deepEqual(judge([label("porn")]), { all: null, media: { says: "Adult content", by: "did:plc:labeler" } });
  assert.deepEqual(judge([], [label("!hide", "did:plc:b")]).all, { says: "Should be hidden", by: "did:plc:b" });
  const both = judge([label("nudity"), label("!warn")], [label("!hide")]);
  assert.deepEqual([both.all?.says, both.media?.says], ["Needs a warning", "Nudity"]);
  assert.equal(judge([label("!no-unauthenticated")]).all?.says, "Only for who has signed in");
});

test("labels are strangers' data", () => {
  for (const strange of [undefined, null, 1, "x", {}, [null, 1, {}, { val: 1, src: "a" }, { val: "porn" }, label("")]]) {
    assert.deepEqual(named(strange), []);
    assert.deepEqual(judge(strange), { all: null, media: null });
  }
  assert.deepEqual(judge([label("constructor"), label("__proto__")]), { all: null, media: null });
  assert.equal(mood("toString"), "plain");
  assert.equal(named([label("a"), label("a"), label("a", "did:plc:other")]).length, 2);
  assert.equal(named(Array.from({ length: 1_000 }, (_, n) => label(`v${n}`))).length, 50);
});

test("what is said of a profile alone is not said of posts", () => {
  const profile = (val: string) => ({ ...label(val), uri: "at://did:plc:a/app.bsky.actor.profile/self" });
  const labels = [profile("porn"), profile("!no-unauthenticated"), label("nudity")];
  assert.deepEqual(ofAccount(labels).map(({ val }) => val), ["!no-unauthenticated", "nudity"]);
  assert.deepEqual(ofAccount([{ src: "did:plc:a", val: "porn" }]).length, 1);
});

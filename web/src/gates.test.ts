import assert from "node:assert/strict";
import { test } from "node:test";
import { quotes, replies } from "./gates.ts";

const rule = (name: string, more = {}) => ({ $type: `app.bsky.feed.threadgate#${name}`, ...more });
const said = (allow: unknown) => replies({ record: { allow } })?.rules?.map((rule) => rule.text);

test("a threadgate says who may reply", () => {
  assert.equal(replies(undefined), null);
  assert.equal(replies({ record: {} }), null, "everybody may");
  assert.deepEqual(said([]), [], "nobody may");
  assert.deepEqual(said([rule("mentionRule"), rule("followerRule"), rule("followingRule")]), [
    "who is mentioned",
    "who follows the author",
    "whom the author follows",
  ]);
  const list = { uri: "at://did:plc:a/app.bsky.graph.list/1", name: "friends" };
  const gate = { record: { allow: [rule("listRule", { list: list.uri }), rule("listRule", { list: "at://x" })] }, lists: [list] };
  assert.deepEqual(replies(gate)?.rules, [{ text: "who is on", list }, { text: "who is on a list that is not here" }]);
});

test("gates are strangers' records", () => {
  assert.deepEqual(said([null, 1, {}, rule("weatherRule")]), Array(4).fill("whom a rule names that is not known here"));
  assert.equal(said(Array(100).fill(rule("mentionRule")))?.length, 10);
  assert.deepEqual(replies({ record: { hiddenReplies: ["at://a", 1, null] } }), { rules: null, hidden: ["at://a"] });
  for (const strange of [undefined, null, 1, "x", { embeddingRules: "x", detachedEmbeddingUris: {} }, { embeddingRules: [null] }]) {
    assert.deepEqual(quotes(strange), { refused: false, detached: [] });
  }
});

test("a postgate says who may quote", () => {
  const record = { embeddingRules: [{ $type: "app.bsky.feed.postgate#disableRule" }], detachedEmbeddingUris: ["at://a"] };
  assert.deepEqual(quotes(record), { refused: true, detached: ["at://a"] });
});

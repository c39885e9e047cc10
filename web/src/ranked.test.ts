import assert from "node:assert/strict";
import { test } from "node:test";
import { percent, type RankedPost, whyHere } from "./ranked.ts";

const post = (rest: Partial<RankedPost>): RankedPost => ({
  postId: "at://a/app.bsky.feed.post/1",
  item: "at://a/app.bsky.feed.post/1",
  reason: "follow",
  view: {} as RankedPost["view"],
  isRead: false,
  ...rest,
});

test("why a post stands where it stands, the strongest first", () => {
  const why = { affinity: 0.5, engagement: 0.75, content: 0.7, kind: "post" as const, ageSeconds: 7_300 };
  const said = whyHere(post({ why, relevanceScore: 0.431 }));
  assert.equal(said.brought, "It is here because you follow who wrote it.");
  assert.deepEqual(said.parts.map(({ name, share }) => [name, percent(share)]), [
    ["What others did with it", "75 %"],
    ["How it suits you", "70 %"],
    ["How close you are to who brought it", "50 %"],
  ]);
  assert.equal(said.rest, "It is 2 h old, which leaves a relevance of 43 %.");
  const reply = whyHere(post({ why: { ...why, kind: "reply" }, relevanceScore: 0.3 }));
  assert.match(reply.rest, /^It counts for less because it is a reply\. It is 2 h old/);
});

test("small shares are not nothing, and without a rank there is time", () => {
  const why = { affinity: 0, engagement: 0, content: 0.5, kind: "post" as const, ageSeconds: 5 };
  const said = whyHere(post({ reason: "discover", why, relevanceScore: 0.001 }));
  assert.match(said.brought, /many care for it/);
  assert.match(said.rest, /less than a minute old, which leaves a relevance of below 1 %/);
  assert.deepEqual(whyHere(post({})), { brought: "It is here because you follow who wrote it.", parts: [], rest: "It stands where its time puts it." });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type RankedPost, whyHere } from "./ranked.ts";

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
  assert.equal(
    said,
    "It is here because you follow who wrote it. Its place: what others did with it 75 %, how it suits you 70 %, " +
      "how close you are to who brought it 50 %; 2 h old. Relevance 43 %.",
  );
});

test("small shares are not nothing, and without a rank there is time", () => {
  const why = { affinity: 0, engagement: 0, content: 0.5, kind: "post" as const, ageSeconds: 5 };
  assert.match(whyHere(post({ reason: "discover", why, relevanceScore: 0.001 })), /many care for it.*less than a minute old\. Relevance below 1 %/);
  assert.match(whyHere(post({})), /stands where its time puts it/);
});

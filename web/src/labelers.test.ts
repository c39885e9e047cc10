import assert from "node:assert/strict";
import { test } from "node:test";
import { askable, type Labeler, takes } from "./labelers.ts";

const SPAM = "com.atproto.moderation.defs#reasonSpam";
const ACCOUNT = { did: "did:plc:a" };
const POST = { uri: "at://did:plc:a/app.bsky.feed.post/3k", cid: "c" };
const labeler = (rest: Partial<Labeler>): Labeler => ({ creator: { did: "did:plc:l", handle: "l.test" }, ...rest });

test("a labeler takes what it says that it takes", () => {
  const check = (rest: Partial<Labeler>, subject: typeof ACCOUNT | typeof POST, reason: string, expected: boolean) =>
    assert.equal(takes(labeler(rest), subject, reason), expected, JSON.stringify([rest, subject, reason]));
  check({}, ACCOUNT, SPAM, true);
  check({ subjectTypes: ["account"] }, ACCOUNT, SPAM, true);
  check({ subjectTypes: ["account"] }, POST, SPAM, false);
  check({ subjectTypes: ["record"] }, ACCOUNT, "", false);
  check({ subjectCollections: ["app.bsky.feed.post"] }, POST, SPAM, true);
  check({ subjectCollections: ["app.bsky.graph.list"] }, POST, SPAM, false);
  check({ subjectCollections: ["app.bsky.graph.list"] }, ACCOUNT, SPAM, true);
  check({ reasonTypes: [SPAM] }, POST, SPAM, true);
  check({ reasonTypes: [] }, POST, SPAM, false);
  check({ reasonTypes: [] }, POST, "", true);
  assert.equal(takes(undefined, POST, SPAM), true);
});

test("everybody is offered once", () => {
  assert.deepEqual(askable("did:plc:m", ["did:plc:l", "did:plc:m"]), ["did:plc:m", "did:plc:l"]);
  assert.deepEqual(askable(undefined, []), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Done, keys, Wishes } from "./wishes.ts";

const POST = "at://did:plc:a/app.bsky.feed.post/1";
const LIKE = "at://did:plc:me/app.bsky.feed.like/1";
const KEY = keys.like(POST);
const OFF = { on: false, uri: null };

/** A PDS whose answers the test gives. */
function asked() {
  const calls: { on: boolean; uri: string | null; answer: (done: Done) => void; refuse: (why: string) => void }[] = [];
  const act = (on: boolean, { uri }: { uri: string | null }) =>
    new Promise<Done>((answer, reject) => calls.push({ on, uri, answer, refuse: (why) => reject(new Error(why)) }));
  return { calls, act };
}

const soon = () => new Promise((resolve) => setTimeout(resolve));
const view = (like?: string) => ({ feed: [{ post: { uri: POST, viewer: { like } } }] });

test("what is wanted is shown at once, and stays when it was taken", async () => {
  const wishes = new Wishes();
  const { calls, act } = asked();
  wishes.wish(KEY, OFF, true, act);
  assert.deepEqual([wishes.get(KEY)?.on, wishes.get(KEY)?.phase], [true, "asked"]);
  wishes.read(view(), { rev: "3a", mark: wishes.mark() });
  assert.equal(wishes.get(KEY)?.on, true, "what is on its way is not answered yet");
  calls[0]?.answer({ uri: LIKE, rev: "3c" });
  await soon();
  assert.deepEqual([wishes.get(KEY)?.on, wishes.get(KEY)?.phase], [true, "taken"]);
  // An answer from before, however late it comes.
  wishes.read(view(), { rev: "3b", mark: wishes.mark() });
  assert.deepEqual([wishes.get(KEY)?.on, wishes.get(KEY)?.phase], [true, "taken"]);
  wishes.read(view(), { rev: null, mark: wishes.mark() });
  assert.equal(wishes.get(KEY)?.on, true, "an answer that says no revision may be old");
  wishes.read(view(LIKE), { rev: "3c", mark: wishes.mark() });
  assert.deepEqual([wishes.get(KEY)?.on, wishes.get(KEY)?.phase, wishes.get(KEY)?.uri], [true, "agreed", LIKE]);
  // Elsewhere it was taken back.
  wishes.read(view(), { rev: "3d", mark: wishes.mark() });
  assert.equal(wishes.get(KEY)?.on, false);
});

test("what is refused is taken back, says why, and can be tried again", async () => {
  const wishes = new Wishes();
  const { calls, act } = asked();
  wishes.wish(KEY, OFF, true, act);
  calls[0]?.refuse("not today");
  await soon();
  const refused = wishes.get(KEY);
  assert.deepEqual([refused?.on, refused?.phase, refused?.why], [false, "refused", "not today"]);
  wishes.read(view(), { rev: "3a", mark: wishes.mark() });
  assert.equal(wishes.get(KEY)?.why, "not today", "that it is off was known");
  wishes.again(KEY);
  assert.deepEqual([wishes.get(KEY)?.on, wishes.get(KEY)?.why], [true, null]);
  calls[1]?.answer({ uri: LIKE, rev: "3c" });
  await soon();
  assert.equal(wishes.get(KEY)?.phase, "taken");
});

test("whoever changes their mind is followed, one after the other", async () => {
  const wishes = new Wishes();
  const { calls, act } = asked();
  wishes.wish(KEY, OFF, true, act);
  wishes.wish(KEY, OFF, false, act);
  wishes.wish(KEY, OFF, true, act);
  wishes.wish(KEY, OFF, false, act);
  assert.equal(calls.length, 1);
  calls[0]?.answer({ uri: LIKE, rev: "3c" });
  await soon();
  assert.deepEqual([calls.length, calls[1]?.on, calls[1]?.uri], [2, false, LIKE], "by the record that was made meanwhile");
  calls[1]?.answer({ rev: "3d" });
  await soon();
  assert.deepEqual([wishes.get(KEY)?.on, wishes.get(KEY)?.phase], [false, "taken"]);
  wishes.read(view(LIKE), { rev: "3c", mark: wishes.mark() });
  assert.equal(wishes.get(KEY)?.on, false, "the first of both does not come back");
});

test("a change of mind before a refusal is no refusal", async () => {
  const wishes = new Wishes();
  const { calls, act } = asked();
  wishes.wish(KEY, OFF, true, act);
  wishes.wish(KEY, OFF, false, act);
  calls[0]?.refuse("not today");
  await soon();
  assert.deepEqual([wishes.get(KEY)?.on, wishes.get(KEY)?.phase], [false, "agreed"]);
});

test("what is done at this service holds for every question after it", async () => {
  const wishes = new Wishes();
  const key = keys.mute("did:plc:b");
  const before = wishes.mark();
  wishes.wish(key, OFF, true, async () => ({}));
  await soon();
  const profile = (muted: boolean) => ({ did: "did:plc:b", viewer: { muted } });
  wishes.read(profile(false), { rev: null, mark: before });
  assert.equal(wishes.get(key)?.on, true);
  wishes.read(profile(true), { rev: null, mark: wishes.mark() });
  assert.equal(wishes.get(key)?.phase, "agreed");
  wishes.read(profile(false), { rev: null, mark: wishes.mark() });
  assert.equal(wishes.get(key)?.on, false);
});

test("a post is behind until an answer is as new as it", async () => {
  const wishes = new Wishes();
  const key = keys.post(POST);
  wishes.wish(key, OFF, true, async () => ({ uri: POST, rev: "3c" }), { text: "hello" });
  assert.equal(wishes.isBehind(key, { rev: "3z", mark: wishes.mark() }), true);
  await soon();
  assert.equal(wishes.isBehind(key, { rev: "3b", mark: wishes.mark() }), true);
  assert.equal(wishes.isBehind(key, { rev: "3c", mark: wishes.mark() }), false);
  assert.deepEqual(wishes.all().map(({ about }) => about), [{ text: "hello" }]);
});

test("answers that nobody expects are read without harm", () => {
  const wishes = new Wishes();
  wishes.wish(KEY, OFF, true, () => new Promise(() => undefined));
  let deep: unknown = null;
  for (let at = 0; at < 10_000; at += 1) deep = { deep };
  for (const answer of [null, 7, "x", [null, { uri: 1, viewer: 2 }], { did: "x", viewer: null }, deep]) wishes.read(answer, { rev: null, mark: 1 });
  assert.equal(wishes.get(KEY)?.on, true);
});

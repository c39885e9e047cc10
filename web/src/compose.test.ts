import assert from "node:assert/strict";
import { test } from "node:test";
import { facets, found, graphemes, replyTo, tidied } from "./compose.ts";
import { segments } from "./richtext.ts";
import type { Post } from "./types.ts";

test("letters are counted as people see them", () => {
  assert.equal(graphemes("héllo"), 5);
  assert.equal(graphemes("👩‍👩‍👧‍👦🏳️‍🌈"), 2);
  assert.equal(graphemes("e\u0301"), 1);
});

test("links, mentions and tags are found, and nothing else", () => {
  const words = (text: string) => found(text).map(({ from, to }) => text.slice(from, to));
  assert.deepEqual(words("see https://a.example/x_(y), and (https://b.example)."), ["https://a.example/x_(y)", "https://b.example"]);
  assert.deepEqual(words("@alice.test, (@bob.test) a@mail.example @nobody"), ["@alice.test", "@bob.test"]);
  assert.deepEqual(words("#mill. #1 #über! a#b ##x #7days"), ["#mill", "#über", "##x", "#7days"]);
  assert.deepEqual(words("https://a.example/#tag @a.example/#x"), ["https://a.example/#tag", "@a.example"]);
  assert.deepEqual(words("javascript:alert(1) ftp://a.example https:// data:text/html,x"), []);
});

test("what is sent is read back as it was meant", async () => {
  const text = "日本 @alice.test und #mühle 🎡 https://a.example/ü @gone.test";
  const made = await facets(text, async (handle) => (handle === "alice.test" ? "did:plc:alice" : null));
  const read = segments(text, made);
  assert.equal(read.map((one) => one.text).join(""), text);
  assert.deepEqual(
    read.filter((one) => one.kind !== "text").map((one) => [one.kind, one.text]),
    [["mention", "@alice.test"], ["tag", "#mühle"], ["link", "https://a.example/ü"]],
  );
});

test("an answer names where the thread begins", () => {
  const post = (reply?: unknown) => ({ uri: "at://did:plc:a/app.bsky.feed.post/1", cid: "c1", record: { reply } }) as unknown as Post;
  const own = { uri: "at://did:plc:a/app.bsky.feed.post/1", cid: "c1" };
  assert.deepEqual(replyTo(post()), { root: own, parent: own });
  const root = { uri: "at://did:plc:b/app.bsky.feed.post/0", cid: "c0" };
  assert.deepEqual(replyTo(post({ root, parent: root })), { root, parent: own });
  assert.deepEqual(replyTo(post({ root: "x" })).root, own, "a record that says nonsense is where it begins");
});

test("blanks around a text are not sent", () => {
  assert.equal(tidied("  a\r\n\r\n\r\n\r\nb \n"), "a\n\nb");
});

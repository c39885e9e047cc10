import assert from "node:assert/strict";
import { test } from "node:test";
import { named, parts, pasted, uriOf } from "./subjects.ts";

const uri = (word: string) => {
  const subject = named(word);
  return subject === null ? null : uriOf(subject);
};

test("accounts and records are named in many ways", () => {
  for (const [word, expected] of [
    ["did:plc:abc", "did:plc:abc"],
    ["did:web:localhost%3A5000", "did:web:localhost%3A5000"],
    ["@Alice.Test", "alice.test"],
    ["at://did:plc:abc", "did:plc:abc"],
    ["at://alice.test/app.bsky.feed.post/3k", "at://alice.test/app.bsky.feed.post/3k"],
    ["https://bsky.app/profile/alice.test", "alice.test"],
    ["https://bsky.app/profile/did:plc:abc/post/3k?ref=x", "at://did:plc:abc/app.bsky.feed.post/3k"],
    ["bsky.app/profile/alice.test/feed/cats", "at://alice.test/app.bsky.feed.generator/cats"],
    ["https://bsky.app/profile/alice.test/lists/3k", "at://alice.test/app.bsky.graph.list/3k"],
    ["https://bsky.app/starter-pack/alice.test/3k", "at://alice.test/app.bsky.graph.starterpack/3k"],
  ] as const) {
    assert.equal(uri(word), expected, word);
  }
});

test("what names nothing is told", () => {
  for (const word of ["x", "did:", "at://", "at://x/y/z", "at://did:plc:a/only", "https://evil.example/profile/a.test", "bsky.app/profile/a.test/toString/x"]) {
    assert.equal(uri(word), null, word);
  }
  assert.deepEqual(pasted("did:plc:a, alice.test\n nonsense\tdid:plc:a <did:plc:b>"), {
    subjects: [
      { actor: "did:plc:a", path: null },
      { actor: "alice.test", path: null },
      { actor: "did:plc:b", path: null },
    ],
    wrong: ["nonsense"],
  });
  assert.deepEqual(pasted(" \n"), { subjects: [], wrong: [] });
});

test("a long list goes in parts", () => {
  assert.deepEqual(parts([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
  assert.deepEqual(parts([], 2), []);
});

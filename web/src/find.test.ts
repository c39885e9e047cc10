import assert from "node:assert/strict";
import { test } from "node:test";
import { target } from "./find.ts";

test("what names an account, a post or a record is gone to", () => {
  const cases: [string, string][] = [
    ["alice.test", "/dashboard/profile/alice.test"],
    [" @Alice.Test ", "/dashboard/profile/alice.test"],
    ["did:plc:abc123", "/dashboard/profile/did:plc:abc123"],
    ["did:web:localhost%3A3000", "/dashboard/profile/did:web:localhost%253A3000"],
    ["at://did:plc:abc", "/dashboard/profile/did:plc:abc"],
    ["at://alice.test/app.bsky.feed.post", "/dashboard/profile/alice.test"],
    ["at://did:plc:abc/app.bsky.feed.post/3k", "/dashboard/post/did:plc:abc/3k"],
    ["at://did:plc:abc/app.bsky.graph.list/3k", "/dashboard/record/did:plc:abc/app.bsky.graph.list/3k"],
    ["https://bsky.app/profile/alice.test", "/dashboard/profile/alice.test"],
    ["bsky.app/profile/did:plc:abc/post/3k", "/dashboard/post/did:plc:abc/3k"],
    ["https://bsky.app/profile/alice.test/post/3k?ref=x#y", "/dashboard/post/alice.test/3k"],
    // Marks that a copied handle brings along.
    ["\u202aalice.test\u202c", "/dashboard/profile/alice.test"],
  ];
  for (const [typed, expected] of cases) assert.equal(target(typed), expected, typed);
});

test("words are searched by", () => {
  const words = ["", "alice", "two words", "at://", "at://alice", "at://a.test/x/y/z", "javascript:alert(1)", "did:plc:"];
  for (const typed of [...words, "https://bsky.app/", "https://bsky.app/profile/%zz", "//evil.example/profile/a.test"]) {
    assert.equal(target(typed), null, typed);
  }
});

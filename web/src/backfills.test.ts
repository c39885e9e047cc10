import assert from "node:assert/strict";
import { test } from "node:test";
import { accounts, listOf } from "./backfills.ts";

const LIST = "at://did:plc:abc/app.bsky.graph.list/3k";

test("accounts are named, and nothing else", async () => {
  assert.deepEqual(await accounts("did:plc:abc, did:plc:def\ndid:plc:abc"), ["did:plc:abc", "did:plc:def"]);
  await assert.rejects(accounts(" \n"), /Name an account first/);
  await assert.rejects(accounts("did:plc:abc nonsense"), /Not an account or a record: nonsense/);
  await assert.rejects(accounts(`did:plc:abc ${LIST}`), /A record, and not an account: at:/);
});

test("a list is a list or a starter pack", async () => {
  assert.equal(await listOf(` ${LIST} `), LIST);
  assert.equal(await listOf("https://bsky.app/starter-pack/did:plc:abc/3k"), "at://did:plc:abc/app.bsky.graph.starterpack/3k");
  await assert.rejects(listOf(""), /Name a list/);
  for (const word of ["did:plc:abc", "at://did:plc:abc/app.bsky.feed.post/3k", "at://did:plc:abc/app.bsky.graph.listitem/3k", "x"]) {
    await assert.rejects(listOf(word), /Not a list or a starter pack/, word);
  }
});

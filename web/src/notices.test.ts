import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, type Notice, others, says } from "./notices.ts";

test("a kind that nobody knows is said to be one", () => {
  assert.equal(says("LIKE"), "liked your post");
  assert.equal(says("NEW_POST"), "wrote a post");
  assert.match(says("toString"), /not known here/);
});

test("people are counted by the server", () => {
  const notice: Notice = { id: "at://x", type: "LIKE", subject: null, people: [], count: 3, isRead: false, isCut: false, createdAt: "2026-01-01T00:00:00.000Z" };
  assert.equal(others(notice), 2);
  assert.equal(others({ ...notice, count: 0 }), 0);
  assert.equal(counted(3, false), "3");
  assert.equal(counted(3, true), "3 or more");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { grouped, says } from "./groups.ts";
import type { Notification } from "./types.ts";

let n = 0;
function one(reason: string, by: string, subject: string | undefined, minutesAgo: number, isRead = true): Notification {
  n += 1;
  const more = subject === undefined ? {} : { reasonSubject: subject };
  const author = { did: `did:plc:${by}`, handle: `${by}.test` };
  return { uri: `at://did:plc:${by}/x/${n}`, cid: "c", author, reason, isRead, indexedAt: new Date(1e12 - minutesAgo * 60_000).toISOString(), ...more };
}

test("likes of one post stand together, in the place of the newest", () => {
  const groups = grouped([one("like", "a", "at://p", 1), one("reply", "b", "at://p", 2), one("like", "b", "at://p", 3), one("like", "a", "at://q", 4), one("like", "a", "at://p", 5)]);
  assert.deepEqual(
    groups.map(({ reason, subject, people }) => [reason, subject?.startsWith("at://did") ? "itself" : subject, people.map(({ handle }) => handle)]),
    [["like", "at://p", ["a.test", "b.test"]], ["reply", "itself", ["b.test"]], ["like", "at://q", ["a.test"]]],
  );
  assert.equal(groups[0]?.notifications.length, 3);
});

test("what is unread, far apart or written stands apart", () => {
  assert.equal(grouped([one("follow", "a", undefined, 1, false), one("follow", "b", undefined, 2, true)]).length, 2);
  assert.equal(grouped([one("follow", "a", undefined, 1), one("follow", "b", undefined, 2)]).length, 1);
  assert.equal(grouped([one("like", "a", "at://p", 1), one("like", "b", "at://p", 5 * 1_440)]).length, 2);
  assert.equal(grouped([one("mention", "a", undefined, 1), one("mention", "a", undefined, 2)]).length, 2);
  assert.equal(new Set(grouped([one("reply", "a", "at://p", 1), one("reply", "a", "at://p", 2)]).map(({ key }) => key)).size, 2);
});

test("a kind that nobody knows is said to be one", () => {
  assert.equal(says("like"), "liked your post");
  assert.match(says("toString"), /not known here/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { href, parse, type Route } from "./router.ts";

test("every page is found again at its own address", () => {
  const pages: Exclude<Route, { page: "unknown" }>[] = [
    { page: "overview" },
    { page: "hosts" },
    { page: "feeds", minutes: 15 },
    { page: "feeds", minutes: 60 },
    { page: "parked", id: null },
    { page: "parked", id: "12" },
    { page: "parked", id: "facts-12" },
    { page: "rejected", reason: null },
    { page: "rejected", reason: "not a/tid&x" },
    { page: "moderation", tab: "accounts", subject: null },
    { page: "moderation", tab: "accounts", subject: "at://did:plc:abc/app.bsky.feed.post/3k" },
    { page: "moderation", tab: "takedowns", subject: "did:web:localhost%3A5000" },
    { page: "moderation", tab: "lists", subject: "starterPacks" },
    { page: "home" },
    { page: "notifications" },
    { page: "bookmarks" },
    { page: "lists" },
    { page: "settings" },
    { page: "sign-in", error: null, message: null },
    { page: "sign-in", error: "SignInDenied", message: "no & never?" },
    { page: "list", actor: "did:plc:abc", rkey: "3k" },
    { page: "explore", q: "" },
    { page: "explore", q: "a b & c/d?" },
    { page: "profile", actor: "did:plc:abc", tab: "posts" },
    { page: "profile", actor: "did:web:localhost%3A5000", tab: "followers" },
    { page: "thread", actor: "alice.test", rkey: "3kabc" },
    { page: "record", actor: "did:plc:abc", collection: "app.bsky.feed.like", rkey: "a/b~:._-" },
  ];
  for (const page of pages) {
    const [path = "", query = ""] = href(page).split("?", 2);
    assert.deepEqual(parse(path, query), page, href(page));
  }
  assert.equal(href({ page: "profile", actor: "did:plc:abc", tab: "posts" }), "/dashboard/profile/did:plc:abc");
});

test("an address that is no page is unknown", () => {
  const strange = ["/", "/dashboards", "/dashboard/x", "/dashboard/parked/x", "/dashboard/parked/1/2", "/dashboard/parked/homes-1", "/dashboard/%zz", "/dashboard/moderation/x"];
  for (const path of [...strange, "/dashboard/profile/a/likes", "/dashboard/home/x", "/dashboard/list/a", "/dashboard/sign-in/x", "/dashboard/post/a", "/dashboard/record/a/b"]) {
    assert.deepEqual(parse(path, ""), { page: "unknown", path });
  }
});

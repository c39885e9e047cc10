import assert from "node:assert/strict";
import { test } from "node:test";
import { authorizeAt, failure, leave, place } from "./person.ts";

function storage() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

test("somebody comes back to where they were, and not after long", () => {
  const kept = storage();
  leave(kept, "/dashboard/post/did:plc:a/3k?x=1", 0);
  assert.equal(place(kept, 1_000), "/dashboard/post/did:plc:a/3k?x=1");
  leave(kept, "/dashboard/home", 0);
  assert.equal(place(kept, 3_600_000), null);
});

test("nobody is taken anywhere else", () => {
  for (const path of ["https://evil.example/", "//evil.example/", "/dashboard//evil.example", "/xrpc/x", "/dashboard/sign-in?error=x", "/dashboard/\\evil", "/dashboard/é", `/dashboard/${"a".repeat(600)}`]) {
    const kept = storage();
    leave(kept, path, 0);
    assert.equal(place(kept, 1), null, path);
    kept.setItem("millrace.return", JSON.stringify({ path, atMs: 0 }));
    assert.equal(place(kept, 1), null, path);
  }
  const kept = storage();
  for (const nonsense of ["", "null", "{", '{"path":1,"atMs":"x"}']) {
    kept.setItem("millrace.return", nonsense);
    assert.equal(place(kept, 1), null, nonsense);
  }
});

test("failures are said in words", () => {
  assert.match(failure("SignInDenied", "access_denied").says, /did not agree/);
  assert.equal(failure("Other", "the server said so").says, "the server said so");
  assert.equal(failure("constructor", "").says, "Nobody was signed in.");
  assert.equal(failure("SignInFailed", "x".repeat(9_000)).more.length, 500);
});

test("browsers are sent to addresses of the web alone", () => {
  assert.equal(authorizeAt("https://pds.example/oauth?x=1"), "https://pds.example/oauth?x=1");
  for (const url of ["javascript:alert(1)", "data:text/html,x", "//x", "https://", 7, null]) assert.equal(authorizeAt(url), null, String(url));
});

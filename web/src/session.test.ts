import assert from "node:assert/strict";
import { test } from "node:test";
import { byPassword, byToken, load, save, tokenIn } from "./session.ts";

test("a password may be any text", () => {
  const { authorization } = byPassword("pä:ss wörd");
  const given = Buffer.from(authorization.replace("Basic ", ""), "base64").toString("utf8");
  assert.equal(given, "admin:pä:ss wörd");
});

test("a token behind the # is taken, anything else is not", () => {
  assert.equal(tokenIn("#token=abc_-.123"), "abc_-.123");
  for (const hash of ["", "#", "#main", "#token=", "#token=a%20b", "#token=%0Ax", `#token=${"a".repeat(600)}`]) {
    assert.equal(tokenIn(hash), null, hash);
  }
});

test("what is kept is forgotten on signing out", () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  assert.equal(load(storage), null);
  save(storage, byToken("t"));
  assert.deepEqual(load(storage), { authorization: "Bearer t" });
  save(storage, null);
  assert.equal(load(storage), null);
});

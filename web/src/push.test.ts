import assert from "node:assert/strict";
import { test } from "node:test";
import { keyBytes } from "./push.ts";

test("a key is its bytes", () => {
  assert.deepEqual([...keyBytes("BP4z-_8")], [4, 254, 51, 251, 255]);
  assert.deepEqual([...keyBytes("")], []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { commands, moved } from "./order.ts";

const item = (subject: string, note = "") => ({ subject, note, addedAtUs: 0 });

/** What the server does. */
function applied(items: ReturnType<typeof item>[], given: ReturnType<typeof commands>) {
  for (const { subjects, note } of given) {
    items = [...items.filter((one) => !subjects.includes(one.subject)), ...subjects.map((subject) => item(subject, note))];
  }
  return items;
}

test("an item moves up and down", () => {
  assert.deepEqual(moved(["a", "b", "c"], 2, 0), ["c", "a", "b"]);
  assert.deepEqual(moved(["a", "b", "c"], 0, 1), ["b", "a", "c"]);
});

test("the commands bring the list into its new order, with every note", () => {
  const list = [item("a"), item("b", "x"), item("c", "x"), item("d"), item("e", "y")];
  for (let from = 0; from < list.length; from += 1) {
    for (let to = 0; to < list.length; to += 1) {
      const wanted = moved(list, from, to);
      assert.deepEqual(applied(list, commands(list, wanted)), wanted, `${from} to ${to}`);
    }
  }
  assert.deepEqual(commands(list, list), []);
  assert.equal(commands([item("a"), item("b"), item("c")], [item("c"), item("a"), item("b")]).length, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { segments, webAddress } from "./richtext.ts";

const link = (byteStart: number, byteEnd: number, uri = "https://a.example/") => ({
  index: { byteStart, byteEnd },
  features: [{ $type: "app.bsky.richtext.facet#link", uri }],
});

test("facets are cut by bytes, not by letters", () => {
  assert.deepEqual(segments("日本 x", [link(0, 6)]), [
    { kind: "link", url: "https://a.example/", text: "日本" },
    { kind: "text", text: " x" },
  ]);
});

test("whatever does not fit stays text, and no letter is lost", () => {
  const text = "a é <b>x</b>";
  const strange: unknown[] = [
    undefined,
    null,
    "facets",
    [null, 1, {}],
    [link(3, 2), link(-1, 4), link(0, 999), link(0.5, 2)],
    [link(0, 3)], // through the middle of a letter
    [{ index: { byteStart: 0, byteEnd: 1 }, features: "x" }],
    [link(0, 1, "javascript:alert(1)"), link(0, 1, "data:text/html,x")],
  ];
  for (const facets of strange) {
    const found = segments(text, facets);
    assert.deepEqual(found.map((one) => one.text).join(""), text);
    assert.ok(found.every((one) => one.kind === "text"), JSON.stringify(facets));
  }
});

test("of facets that overlap the first is kept", () => {
  const found = segments("abcdef", [link(2, 5), link(0, 3), link(5, 6)]);
  assert.deepEqual(found.map((one) => [one.kind, one.text]), [["link", "abc"], ["text", "de"], ["link", "f"]]);
});

test("only web addresses are linked to", () => {
  assert.equal(webAddress("https://a.example/x"), "https://a.example/x");
  for (const address of [" https://a.example", "javascript:1", "//a.example", "HTTPS:a", "http://", "file:///x", 7, null]) {
    assert.equal(webAddress(address), null, String(address));
  }
});

test("mentions and tags are told apart", () => {
  const facet = (byteStart: number, feature: object) => ({ index: { byteStart, byteEnd: byteStart + 2 }, features: [feature] });
  assert.deepEqual(segments("@a #b #c", [facet(0, { did: "did:plc:a" }), facet(3, { tag: "b" }), facet(6, { tag: "" })]), [
    { kind: "mention", did: "did:plc:a", text: "@a" },
    { kind: "text", text: " " },
    { kind: "tag", tag: "b", text: "#b" },
    { kind: "text", text: " #c" },
  ]);
});

// Posts of every kind, as anybody sees them: embeds and what stands in their place, labels, gates, verifications.
import assert from "node:assert/strict";

const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="600"><rect width="800" height="600" fill="#678"/></svg>';

export async function content(stage) {
  const page = await stage.open();
  // Nothing is behind the pictures' addresses.
  await page.route("**/*", (route) =>
    route.request().resourceType() === "image" && !route.request().url().includes("/dashboard/")
      ? route.fulfill({ contentType: "image/svg+xml", body: PICTURE })
      : route.fallback(),
  );
  await embeds(stage, page);
  await stoodIn(stage, page);
  await warned(stage, page);
  await gates(stage, page);
  await account(stage, page);
  await page.context().close();
}

async function see(stage, page, name) {
  const { did, rkeys } = stage.exhibits;
  await page.goto(stage.at(`/post/${did}/${rkeys[name]}`));
  const post = page.locator(".anchor .post");
  await post.waitFor();
  return post;
}

async function embeds(stage, page) {
  let post = await see(stage, page, "images");
  await post.getByRole("img", { name: "an old mill" }).waitFor();
  await post.getByRole("img", { name: "picture without description" }).waitFor();
  post = await see(stage, page, "gallery");
  await post.locator("img").nth(2).waitFor();
  post = await see(stage, page, "video");
  await post.getByText("Video: a wheel turns").waitFor();
  assert.match(await post.getByRole("link", { name: "Playlist" }).getAttribute("href"), /playlist/);
  post = await see(stage, page, "external");
  await post.getByRole("link", { name: "The mill, live" }).waitFor();
  await post.getByText("mill.example", { exact: true }).waitFor();
  post = await see(stage, page, "quote");
  await post.locator(".quoted", { hasText: "a mill by the river" }).waitFor();
  post = await see(stage, page, "both");
  await post.getByRole("img", { name: "beside it" }).waitFor();
  await post.locator(".quoted", { hasText: "a mill by the river" }).waitFor();
  for (const [name, kind, title] of [
    ["list", "List", "Millers"],
    ["feed", "Feed", "Mills"],
    ["pack", "Starter pack", "Begin here"],
    ["labeler", "Labeler", "Painter"],
  ]) {
    post = await see(stage, page, name);
    await post.locator(".named", { hasText: kind }).getByRole("link", { name: title, exact: true }).first().waitFor();
    assert.deepEqual(await stage.violations(page), [], name);
  }
  post = await see(stage, page, "words");
  assert.equal(await post.locator(".tag").innerText(), "#wheels");
  assert.equal(await post.getByRole("link", { name: "the mill" }).getAttribute("href"), "https://mill.example/");
  await post.getByRole("link", { name: `@${stage.exhibits.handle}`, exact: true }).click();
  await page.waitForURL(stage.at(`/profile/${stage.exhibits.did}`));
}

/** What stands where a record is not shown. */
async function stoodIn(stage, page) {
  for (const [name, said] of [
    ["gone", "it was deleted, or has not been fetched"],
    ["blocked", "one of the two blocks the other"],
    ["detached", "from which its author detached it"],
  ]) {
    const post = await see(stage, page, name);
    await post.locator(".absent", { hasText: said }).waitFor();
  }
}

/** What a label warns of is not even fetched before somebody wants to see it. */
async function warned(stage, page) {
  const { did, rkeys } = stage.exhibits;
  let post = await see(stage, page, "warned");
  await post.getByText("Adult content, says its author").waitFor();
  assert.equal(await post.locator(".pictures").count(), 0);
  await post.getByText("be warned", { exact: true }).waitFor();
  assert.deepEqual(await stage.violations(page), []);
  await post.getByRole("button", { name: "Show the pictures" }).focus();
  await page.keyboard.press("Enter");
  await post.getByRole("img", { name: "not for everybody" }).waitFor();
  assert.deepEqual(await stage.violations(page), []);
  await post.getByRole("button", { name: "Hide the pictures" }).click();
  assert.equal(await post.locator(".pictures").count(), 0);

  const plain = `at://${did}/app.bsky.feed.post/${rkeys.plain}`;
  const say = (neg) => stage.tell("labels/issue", { labels: [{ uri: plain, val: "!hide", neg }] });
  await say(false);
  post = await see(stage, page, "quote");
  await post.locator(".quoted").getByText("Should be hidden, says").waitFor();
  assert.equal(await post.getByText("a mill by the river").count(), 0, "also where it is quoted");
  await post.getByRole("button", { name: "Show what" }).click();
  await post.getByText("a mill by the river").waitFor();
  await post.locator(".labels", { hasText: "!hide" }).getByText(stage.service).waitFor();
  await say(true);
  post = await see(stage, page, "quote");
  await post.getByText("a mill by the river").waitFor();
}

async function gates(stage, page) {
  const post = await see(stage, page, "gated");
  await post.getByText("Only these may reply: who is mentioned, who follows the author; 1 reply is hidden").waitFor();
  await post.getByText("Nobody may quote it").waitFor();
  const replies = page.locator(".replies");
  await replies.getByText("A reply that the thread's author has hidden").waitFor();
  assert.equal(await replies.getByText("an unwelcome word").count(), 0);
  await replies.getByRole("button", { name: "Show the reply" }).click();
  await replies.getByText("an unwelcome word").waitFor();
  assert.deepEqual(await stage.violations(page), []);
}

async function account(stage, page) {
  const { did } = stage.exhibits;
  await stage.tell("curated/verifiers/add", { subjects: [stage.verifier] });
  await page.goto(stage.at(`/profile/${did}`));
  const head = page.locator(".profile");
  await head.getByRole("img", { name: "verified" }).waitFor();
  await head.getByRole("list", { name: "Verifications" }).getByText("verified").waitFor();
  await head.getByText("live", { exact: true }).waitFor();
  await head.getByRole("link", { name: "The mill, live" }).waitFor();
  await head.getByText("labeler", { exact: true }).waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await stage.violations(page), []);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(over, 0, `a profile is ${over} px too wide`);
  await stage.tell("curated/verifiers/remove", { subjects: [stage.verifier] });
}

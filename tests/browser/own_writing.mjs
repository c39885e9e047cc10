// Writing: shown at once, in the repository, and then in the timeline; answers, quotes, likes, reposts and bookmarks.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { postWith, records, signedIn, until } from "./people.mjs";

const POST = "app.bsky.feed.post";
/** A picture of one pixel. */
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNIK+8AAAKsAWZyOF2nAAAAAElFTkSuQmCC", "base64");

export async function writing(stage) {
  const page = await signedIn(stage);
  await hostile(stage, page);
  await post(stage, page);
  await reply(stage, page);
  await quote(stage, page);
  await toggles(stage, page);
  await deleted(stage, page);
  await page.context().close();
}

/** What others wrote stays text, also for who is signed in. */
async function hostile(stage, page) {
  const text = page.locator(".feed .text", { hasText: "<img" }).first();
  assert.equal(await text.innerText(), stage.hostile);
  assert.equal(await page.locator("main :is(.text, .name) :is(img, script, b, iframe)").count(), 0);
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  await page.getByText("<b>Bob</b> & co").first().waitFor();
}

async function post(stage, page) {
  const field = page.getByLabel("Your post");
  await field.fill("x".repeat(301));
  await page.getByText("-1").waitFor();
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await page.getByText("It is 1 letter too long.").waitFor();
  const words = `Hello @${stage.bob.handle} #mill https://mill.example/a`;
  await field.fill(words);
  await page.getByLabel("Language of the post").selectOption("de");
  await page.locator("input[type=file]").setInputFiles({ name: "mill.png", mimeType: "image/png", buffer: PNG });
  await page.getByLabel("Description of picture 1").fill("an old mill");
  await page.getByRole("button", { name: "Post", exact: true }).click();
  // At once, and before anybody has confirmed it.
  await page.getByRole("list", { name: "Written just now" }).getByText(words).waitFor();
  assert.equal(await field.inputValue(), "");
  const [{ value }] = await until("the post is in the repository", async () => {
    const found = (await records(stage, stage.alice, POST)).filter(({ value }) => value.text === words);
    return found.length > 0 ? found : null;
  });
  assert.deepEqual(value.langs, ["de"]);
  assert.equal(value.embed.images[0].alt, "an old mill");
  assert.deepEqual(value.embed.images[0].aspectRatio, { width: 1, height: 1 });
  const features = value.facets.flatMap((facet) => facet.features);
  assert.deepEqual(features.map(({ did, tag, uri }) => did ?? tag ?? uri), [stage.bob.did, "mill", "https://mill.example/a"]);
  await inTheTimeline(page, words);
  await postWith(page, words).getByRole("link", { name: `@${stage.bob.handle}`, exact: true }).waitFor();
}

/** Loads the page until the AppView itself tells of it; it is there the whole time. */
async function inTheTimeline(page, words) {
  await until(`the AppView tells of ${words}`, async () => {
    await page.reload();
    await page.locator(".feed > li").first().waitFor();
    return (await page.locator(".feed:not([aria-label]) > li", { hasText: words }).count()) > 0;
  });
}

async function reply(stage, page) {
  await page.goto(stage.at(`/post/${stage.bob.did}/${stage.post.split("/").at(-1)}`));
  await page.locator(".anchor").getByRole("button", { name: "Reply" }).click();
  const dialog = page.getByRole("dialog", { name: `Reply to @${stage.bob.handle}` });
  await dialog.getByLabel("Your reply").fill("and turns and turns");
  assert.deepEqual(await stage.violations(page), []);
  // What is typed is not lost when the sheet is closed.
  await page.keyboard.press("Escape");
  await page.locator(".anchor").getByRole("button", { name: "Reply" }).click();
  assert.equal(await dialog.getByLabel("Your reply").inputValue(), "and turns and turns");
  await dialog.getByRole("button", { name: "Reply", exact: true }).click();
  await page.locator(".replies").getByText("and turns and turns").waitFor();
  const made = await until("the reply is in the repository", async () =>
    (await records(stage, stage.alice, POST)).find(({ value }) => value.text === "and turns and turns"),
  );
  assert.equal(made.value.reply.parent.uri, stage.post);
  assert.equal(made.value.reply.root.uri, stage.post);
  await until("the thread has it", async () => {
    await page.reload();
    await page.locator(".anchor").waitFor();
    return (await page.locator(".replies:not([aria-label])").getByText("and turns and turns").count()) > 0;
  });
}

async function quote(stage, page) {
  await page.goto(stage.at("/home"));
  await postWith(page, "the wheel turns").getByRole("button", { name: "Quote" }).click();
  await page.getByRole("dialog").getByLabel("Your post").fill("look at this");
  await page.getByRole("dialog").getByRole("button", { name: "Post", exact: true }).click();
  const made = await until("the quote is in the repository", async () => (await records(stage, stage.alice, POST)).find(({ value }) => value.text === "look at this"));
  assert.equal(made.value.embed.record.uri, stage.post);
  await inTheTimeline(page, "look at this");
}

/** On and off again: the repository follows, and the page never shows it otherwise than it was wished. */
async function toggles(stage, page) {
  const wheel = () => page.locator(".feed > li", { hasText: "the wheel turns" }).last();
  for (const [name, collection] of [["Like", "app.bsky.feed.like"], ["Repost", "app.bsky.feed.repost"]]) {
    const button = wheel().getByRole("button", { name });
    const count = async () => Number(await button.locator(".number").innerText());
    const before = await count();
    await button.click();
    assert.equal(await button.getAttribute("aria-pressed"), "true", `${name} is shown at once`);
    assert.equal(await count(), before + 1);
    await until(`${name} is in the repository`, async () => (await records(stage, stage.alice, collection)).some(({ value }) => value.subject.uri === stage.post));
    await until(`the AppView tells of ${name}`, async () => {
      await page.reload();
      await wheel().waitFor();
      return (await button.getAttribute("aria-pressed")) === "true";
    });
    assert.equal(await count(), before + 1);
    // While the page stays, nothing flickers: not when others are asked, not when it is taken back.
    await button.click();
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    await until(`${name} is no more`, async () => !(await records(stage, stage.alice, collection)).some(({ value }) => value.subject.uri === stage.post));
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    assert.equal(await count(), before);
  }
  await wheel().getByRole("button", { name: "Bookmark" }).click();
  await page.getByRole("link", { name: "Bookmarks" }).click();
  await page.locator(".feed").getByText("the wheel turns").waitFor();
  const done = page.waitForResponse(/deleteBookmark/);
  await postWith(page, "the wheel turns").getByRole("button", { name: "Bookmark" }).click();
  await done;
  await until("the bookmark is gone", async () => {
    await page.reload();
    await page.locator("main .state:not([role=status]), .feed > li").first().waitFor();
    return (await page.locator(".feed > li").count()) === 0;
  });
}

async function deleted(stage, page) {
  await page.goto(stage.at("/home"));
  await postWith(page, "look at this").getByRole("button", { name: "More" }).click();
  await page.getByRole("button", { name: "Delete …" }).click();
  await page.getByRole("button", { name: "Keep it" }).click();
  await postWith(page, "look at this").getByRole("button", { name: "More" }).click();
  await page.getByRole("button", { name: "Delete …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("You deleted this post.").waitFor();
  assert.ok(!(await records(stage, stage.alice, POST)).some(({ value }) => value.text === "look at this"));
}

// How somebody stands to others: follows, mutes, blocks, reports; and what they hear of it.
import assert from "node:assert/strict";
import { create, postWith, records, signedIn, until } from "./people.mjs";

const FOLLOW = "app.bsky.graph.follow";
const BLOCK = "app.bsky.graph.block";

export async function relations(stage) {
  const page = await signedIn(stage);
  await follow(stage, page);
  await mute(stage, page);
  await block(stage, page);
  await lists(stage, page);
  await notifications(stage, page);
  await page.context().close();
}

const has = async (stage, collection, did) => (await records(stage, stage.alice, collection)).some(({ value }) => value.subject === did);

/** Reloads until the page says so. */
async function told(page, what, holds) {
  await until(what, async () => {
    await page.reload();
    await page.locator("main h1").first().waitFor();
    await page.locator("main .spinner").first().waitFor({ state: "detached" });
    return holds();
  });
}

async function follow(stage, page) {
  const box = page.getByRole("combobox", { name: /Search/ });
  await box.fill("carol");
  await page.getByRole("option", { name: stage.carol.handle }).click();
  const actions = page.locator(".profile");
  await actions.getByRole("button", { name: "Follow", exact: true }).click();
  await actions.getByRole("button", { name: "Following" }).waitFor();
  await until("the follow is in the repository", () => has(stage, FOLLOW, stage.carol.did));
  await told(page, "the AppView tells of the follow", () => actions.getByRole("button", { name: "Following" }).isVisible());
  assert.match(await page.locator(".counts").innerText(), /1 follower\b/);
  await page.goto(stage.at("/home"));
  await postWith(page, "something strange").waitFor();
}

async function mute(stage, page) {
  await postWith(page, "something strange").getByRole("button", { name: "More" }).click();
  const done = page.waitForResponse(/app\.bsky\.graph\.muteActor/);
  await page.getByRole("button", { name: `Mute @${stage.carol.handle}` }).click();
  await page.getByText(`You have muted @${stage.carol.handle}.`).waitFor();
  await done;
  await told(page, "the timeline leaves out who is muted", async () => (await page.getByText("something strange").count()) === 0);
  await page.goto(stage.at(`/profile/${stage.carol.did}`));
  await page.locator(".profile").getByRole("button", { name: "Muted" }).click();
  await page.locator(".profile").getByRole("button", { name: "Mute", exact: true }).waitFor();
}

async function block(stage, page) {
  const actions = page.locator(".profile");
  await actions.getByRole("button", { name: "Block", exact: true }).click();
  await actions.getByRole("button", { name: "Blocked" }).waitFor();
  await until("the block is in the repository", () => has(stage, BLOCK, stage.carol.did));
  await told(page, "the AppView tells of the block", () => actions.getByRole("button", { name: "Blocked" }).isVisible());
  await actions.getByRole("button", { name: "Blocked" }).click();
  await actions.getByRole("button", { name: "Block", exact: true }).waitFor();
  await until("the block is no more", async () => !(await has(stage, BLOCK, stage.carol.did)));
}

async function lists(stage, page) {
  await page.goto(stage.at("/lists"));
  await page.getByText("Make a list").click();
  await page.getByLabel("Name").fill("Millers <b>");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.waitForURL(/\/dashboard\/list\//);
  await told(page, "the AppView has the list", async () => (await page.getByLabel("Put somebody on it").count()) > 0);
  await page.getByLabel("Put somebody on it").fill(`@${stage.bob.handle}`);
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("button", { name: "Take off" }).waitFor();
  await until("the item is in the repository", () => has(stage, "app.bsky.graph.listitem", stage.bob.did));
  await told(page, "the AppView has who is on it", async () => (await page.locator(".people").getByText(`@${stage.bob.handle}`).count()) > 0);
  await page.goto(stage.at(`/profile/${stage.bob.did}`));
  await page.getByRole("button", { name: "Lists …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "On it" }).waitFor();
  await page.keyboard.press("Escape");
}

async function notifications(stage, page) {
  const [mine] = await records(stage, stage.alice, "app.bsky.feed.post");
  const subject = { uri: mine.uri, cid: mine.cid };
  await create(stage, stage.bob, "app.bsky.feed.like", { subject });
  await create(stage, stage.carol, "app.bsky.feed.like", { subject });
  await create(stage, stage.bob, "app.bsky.feed.post", { text: "a word back", reply: { root: mine.value.reply?.root ?? subject, parent: subject } });
  await page.goto(stage.at("/home"));
  await until("what is unread is counted", async () => {
    const count = page.getByRole("navigation", { name: "Pages" }).locator(".count");
    if ((await count.count()) > 0 && Number.parseInt(await count.innerText(), 10) >= 3) return true;
    await page.reload();
    await page.locator(".feed > li").first().waitFor();
    return false;
  });
  await page.getByRole("link", { name: /Notifications/ }).click();
  const unread = page.locator(".feed > .unread");
  await unread.filter({ hasText: "and" }).filter({ hasText: "liked your post" }).first().waitFor();
  await unread.getByText("a word back").waitFor();
  // Seen: gone from the navigation at once, and not marked when the page is opened again.
  await page.getByRole("navigation", { name: "Pages" }).locator(".count").waitFor({ state: "detached" });
  await told(page, "they are read", async () => (await page.locator(".feed > li").count()) > 0 && (await unread.count()) === 0);
}

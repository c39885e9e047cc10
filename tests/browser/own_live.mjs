// What is told by itself while somebody looks: new posts and how much is unread. Nothing moves before it is asked for.
import assert from "node:assert/strict";
import { create, records, signedIn } from "./people.mjs";

export async function live(stage) {
  const page = await signedIn(stage);
  const listening = page.waitForResponse(/\/api\/v1\/session\/live/);
  await page.goto(stage.at("/home"));
  assert.equal((await listening).status(), 200);
  const first = page.locator(".feed > li").first();
  await first.waitFor();
  // What is new counts from its first look on.
  await page.waitForTimeout(2_000);
  const place = async () => (await first.boundingBox()).y;
  const before = [await first.innerText(), await place()];
  await create(stage, stage.bob, "app.bsky.feed.post", { text: "fresh from the mill" });
  await page.getByRole("button", { name: /new post/i }).waitFor();
  assert.equal(await page.getByText("fresh from the mill").count(), 0);
  assert.deepEqual([(await first.innerText()).split("\n")[0], await place()], [before[0].split("\n")[0], before[1]]);
  await page.getByRole("button", { name: /new post/i }).click();
  await page.getByText("fresh from the mill").waitFor();
  await page.getByRole("button", { name: /new post/i }).waitFor({ state: "detached" });

  const [mine] = await records(stage, stage.alice, "app.bsky.feed.post");
  const subject = { uri: mine.uri, cid: mine.cid };
  await create(stage, stage.bob, "app.bsky.feed.repost", { subject });
  await page.getByRole("navigation", { name: "Pages" }).locator(".count").waitFor();
  await page.context().close();
}

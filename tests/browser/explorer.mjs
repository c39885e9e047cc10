// Anybody looks at accounts, posts and records, without signing in; what strangers wrote stays text.
import assert from "node:assert/strict";

export async function explorer(stage) {
  const page = await stage.open();
  await page.goto(stage.at("/explore"));
  await search(stage, page);
  await pasted(stage, page);
  await profile(stage, page);
  await thread(stage, page);
  await record(stage, page);
  await page.context().close();
  await completeness(stage);
}

async function search(stage, page) {
  const box = page.getByRole("combobox");
  await box.fill(stage.handle.split(".")[0]);
  await page.getByRole("option", { name: stage.handle }).waitFor();
  await box.press("ArrowDown");
  await box.press("Enter");
  await page.getByRole("heading", { level: 1, name: stage.name }).waitFor();
  await box.fill("no such account anywhere");
  await box.press("Enter");
  await page.getByText("No account here has that").waitFor();
}

async function pasted(stage, page) {
  const box = page.getByRole("combobox");
  const post = `${stage.did}/app.bsky.feed.post/${stage.rkey}`;
  for (const [typed, address] of [
    [`@${stage.handle}`, `/profile/${stage.handle}`],
    [stage.did, `/profile/${stage.did}`],
    [`at://${post}`, `/post/${stage.did}/${stage.rkey}`],
    [`https://bsky.app/profile/${stage.handle}/post/${stage.rkey}`, `/post/${stage.handle}/${stage.rkey}`],
  ]) {
    await box.fill(typed);
    await box.press("Enter");
    await page.waitForURL(stage.at(address));
  }
  await page.locator(".anchor .text").waitFor();
}

async function profile(stage, page) {
  await page.goto(stage.at(`/profile/${stage.handle}`));
  const text = page.locator(".feed .text", { hasText: "<img" }).first();
  await text.waitFor();
  assert.equal(await text.innerText(), stage.hostile, "what was written is shown as it was written");
  assert.equal(await page.locator(".feed .text :is(img, script, b, iframe)").count(), 0);
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  assert.equal(await page.locator("a[href^='javascript:' i]").count(), 0);
  for (const tab of ["replies", "media", "followers", "follows"]) {
    await page.getByRole("navigation", { name: "Of this account" }).getByRole("link", { name: tab }).click();
    await page.waitForURL(stage.at(`/profile/${stage.handle}/${tab}`));
    await page.locator("main ul li, main .state:not([role=status])").first().waitFor();
  }
  await page.goBack();
  await page.waitForURL(stage.at(`/profile/${stage.handle}/followers`));
  await page.goto(stage.at("/profile/nobody.sim.test"));
  await page.getByText("Profile not found").waitFor();
}

async function thread(stage, page) {
  await page.goto(stage.at(`/post/${stage.did}/${stage.rkey}`));
  await page.locator(".anchor .text").waitFor();
  await page.locator(".replies .text", { hasText: stage.reply }).waitFor();
  await page.goto(stage.at(`/post/${stage.did}/3zzzzzzzzzzzz`));
  await page.getByRole("alert").waitFor();
}

async function record(stage, page) {
  await page.goto(stage.at(`/post/${stage.did}/${stage.rkey}`));
  await page.getByRole("link", { name: "Record" }).click();
  const value = JSON.parse(await page.locator("pre").innerText());
  assert.equal(value.text, stage.hostile);
}

/** How much of an account is here is told to the operator alone. */
async function completeness(stage) {
  const page = await stage.operate();
  await page.goto(stage.at(`/profile/${stage.did}`));
  const state = page.locator(".facts > div").filter({ has: page.getByText("State", { exact: true }) }).locator("dd");
  await state.waitFor();
  assert.match(await state.innerText(), /complete|partial|being fetched/);
  await page.getByRole("button", { name: "Fetch its repository" }).click();
  await page.getByText("Its repository will be fetched.").waitFor();
  await page.context().close();
}

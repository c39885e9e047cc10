// Everything by keyboard alone.
import assert from "node:assert/strict";

export async function keyboard(stage) {
  const page = await stage.operate();
  const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent);
  await page.reload();
  await page.locator(".headline").waitFor();
  await page.keyboard.press("Tab");
  assert.equal((await focused()).trim(), "Skip to content");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "main");

  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  await page.keyboard.press("/");
  assert.equal(await focused(), "search");
  await page.keyboard.type(stage.handle);
  await page.keyboard.press("Enter");
  await page.waitForURL(stage.at(`/profile/${stage.handle}`));
  assert.equal(await focused(), "main", "a new page is read from its content");
  await page.locator(".feed > li").nth(1).waitFor();
  const itemOf = () => page.evaluate(() => [...document.querySelectorAll("main [data-item]")].findIndex((item) => item.contains(document.activeElement)));
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowDown");
  assert.equal(await itemOf(), 1);
  await page.keyboard.press("k");
  assert.equal(await itemOf(), 0);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/dashboard\/post\//);

  for (const [key, path] of [["p", "/parked"], ["h", "/hosts"], ["r", "/rejected"], ["m", "/moderation"], ["e", "/explore"], ["o", "/"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForURL(stage.at(path));
  }
  const before = await page.evaluate(() => document.documentElement.dataset.theme);
  await page.keyboard.press("t");
  await page.waitForFunction((before) => document.documentElement.dataset.theme !== before, before);
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light", "the choice is kept");
  await page.context().close();
}

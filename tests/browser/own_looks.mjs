// The pages of who is signed in, in light and dark, wide and on a phone; and by keyboard alone.
import assert from "node:assert/strict";
import { check } from "./looks.mjs";
import { signedIn } from "./people.mjs";

/** And somewhat more. */
const MINUTE_MS = 90_000;

export async function ownLooks(stage) {
  const page = await signedIn(stage, { viewport: { width: 1440, height: 900 } });
  const [, , , , rkey] = stage.post.split("/");
  const pages = {
    "/home": ".feed li",
    "/ranked": ".why-here",
    "/notifications": ".feed li",
    "/bookmarks": "main .state",
    "/lists": ".chosen li",
    "/settings": ".chosen li",
    [`/profile/${stage.bob.did}`]: ".feed li",
    [`/post/${stage.bob.did}/${rkey}`]: ".replies .text",
    "/explore?q=bob": ".people li",
  };
  for (const [path, shown] of Object.entries(pages)) {
    await page.goto(stage.at(path));
    await page.locator(shown).first().waitFor();
    await check(stage, page, path);
  }
  await keys(stage, page);
  await both(stage, page);
  await feeds(stage, page);
  await page.context().close();
}

async function keys(stage, page) {
  for (const [key, path] of [["n", "/notifications"], ["b", "/bookmarks"], ["l", "/lists"], ["s", "/settings"], ["i", "/home"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForURL(stage.at(path));
  }
  await page.keyboard.press("n");
  const field = page.getByRole("dialog").getByLabel("Your post");
  await field.waitFor();
  assert.equal(await field.evaluate((element) => element === document.activeElement), true);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

/** The operator may be signed in beside: each signs out alone. */
async function both(stage, page) {
  await page.goto(stage.at("/hosts"));
  await page.getByLabel("Password or token").fill(stage.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.locator("tbody tr").first().waitFor();
  await check(stage, page, "both");
  await page.getByRole("button", { name: "Operator: sign out" }).click();
  await page.getByLabel("Password or token").waitFor();
  await page.goto(stage.at("/home"));
  await page.locator(".feed li").first().waitFor();
}

/** The operator sees that somebody has read a home: how much of it came from where, and how large homes are. */
async function feeds(stage, page) {
  await page.goto(stage.at("/ranked"));
  await page.locator(".why-here").first().waitFor();
  await page.goto(stage.at("/feeds"));
  await page.getByLabel("Password or token").fill(stage.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("Homes are up to date").waitFor();
  const ladder = page.locator("section", { has: page.locator("#ladder") });
  const pages = async () => {
    const rows = await ladder.locator("tbody tr").all();
    const each = await Promise.all(rows.map(async (row) => [await row.locator(".badge").innerText(), Number.parseInt(await row.locator(".number").first().innerText(), 10)]));
    return Object.fromEntries(each.filter(([, count]) => count > 0));
  };
  const found = await pages();
  const names = Object.keys(found);
  assert.ok(names.length > 0 && names.every((name) => ["cache", "user_feeds", "pull"].includes(name)), JSON.stringify(found));
  assert.match(await ladder.innerText(), /\d ms/, "they took some time");
  // How large it is is written down once a minute.
  await page.waitForFunction(
    () => [...document.querySelectorAll("tr")].some((row) => row.textContent.includes("user_feeds") && Number(row.querySelector(".number").textContent.replaceAll(",", "")) > 0),
    undefined,
    { timeout: MINUTE_MS },
  );
  await page.getByRole("link", { name: "1 h" }).click();
  await page.waitForURL(stage.at("/feeds?minutes=60"));
  await page.getByText("Times are counted since the program started").waitFor();
  await page.locator(".chart path.edge").first().waitFor();
  await check(stage, page, "feeds of somebody");
  await page.getByRole("button", { name: "Operator: sign out" }).click();
}

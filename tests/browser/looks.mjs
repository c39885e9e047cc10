// Every page in light and dark, wide and on a phone: nothing is cut off, and axe finds nothing to mend.
import assert from "node:assert/strict";

const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 360, height: 740 };

export async function looks(stage) {
  const pages = {
    "/": ".chart",
    "/hosts": "tbody tr",
    "/feeds": "#ladder",
    "/parked": "tbody tr",
    "/rejected": ".chips a",
    "/moderation": "h1",
    [`/moderation/accounts/${stage.handle}`]: ".facts",
    [`/moderation/accounts/${encodeURIComponent(`at://${stage.did}/app.bsky.feed.post/${stage.rkey}`)}`]: ".facts",
    "/moderation/takedowns": "form",
    "/moderation/labels": "tbody tr",
    "/moderation/lists": ".chips a",
    "/moderation/lists/feeds": ".chosen li",
    "/explore": "h1",
    "/explore?q=a": ".people li",
    [`/profile/${stage.handle}`]: ".feed li",
    [`/profile/${stage.handle}/followers`]: "main",
    [`/post/${stage.did}/${stage.rkey}`]: ".replies .text",
    [`/record/${stage.did}/app.bsky.feed.post/${stage.rkey}`]: "pre",
    "/no/such/page": "h1",
  };
  const stranger = await stage.open({ viewport: WIDE });
  await stranger.goto(stage.at("/"));
  await stranger.getByLabel("Password or token").waitFor();
  await check(stage, stranger, "sign-in");
  await stranger.context().close();
  const page = await stage.operate({ viewport: WIDE });
  for (const [path, shown] of Object.entries(pages)) {
    await page.goto(stage.at(path));
    await page.locator(shown).first().waitFor();
    await check(stage, page, path);
  }
  await page.goto(stage.at("/parked"));
  await page.getByRole("link", { name: /^#\d+$/ }).first().click();
  await page.locator("pre").waitFor();
  await check(stage, page, "a parked entry");
  await page.getByRole("button", { name: "Discard …" }).click();
  await page.getByRole("dialog").waitFor();
  await check(stage, page, "a dialog");
  await page.context().close();
}

/** One page as it is: first its colours, then its width on a phone. */
export async function check(stage, page, what) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await stage.violations(page), [], `${what}, ${colorScheme}`);
    await stage.picture(page, `${what.replaceAll("/", "_")}-${colorScheme}`);
  }
  for (const viewport of [PHONE, WIDE]) {
    await page.setViewportSize(viewport);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(over, 0, `${what} is ${over} px too wide for ${viewport.width}`);
    await stage.picture(page, `${what.replaceAll("/", "_")}-${viewport.width}`);
  }
}

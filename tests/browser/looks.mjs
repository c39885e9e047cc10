// Every page in light and dark, wide and on a phone: nothing is cut off, and axe finds nothing to mend.
import assert from "node:assert/strict";

const SIZES = [
  { width: 1440, height: 900 },
  { width: 360, height: 740 },
];

export async function looks(stage) {
  const pages = {
    "/": ".chart",
    "/hosts": "tbody tr",
    "/parked": "tbody tr",
    "/rejected": ".chips a",
    "/explore": "h1",
    "/explore?q=a": ".people li",
    [`/profile/${stage.handle}`]: ".feed li",
    [`/profile/${stage.handle}/followers`]: "main",
    [`/post/${stage.did}/${stage.rkey}`]: ".replies .text",
    [`/record/${stage.did}/app.bsky.feed.post/${stage.rkey}`]: "pre",
    "/no/such/page": "h1",
  };
  for (const viewport of SIZES) {
    for (const colorScheme of ["light", "dark"]) {
      const stranger = await stage.open({ viewport, colorScheme });
      await stranger.goto(stage.at("/"));
      await stranger.getByLabel("Password or token").waitFor();
      await check(stage, stranger, `sign-in ${viewport.width} ${colorScheme}`);
      await stranger.context().close();
      const page = await stage.operate({ viewport, colorScheme });
      for (const [path, shown] of Object.entries(pages)) {
        await page.goto(stage.at(path));
        await page.locator(shown).first().waitFor();
        await check(stage, page, `${path} ${viewport.width} ${colorScheme}`);
      }
      await page.goto(stage.at("/parked"));
      await page.getByRole("link", { name: /^#\d+$/ }).first().click();
      await page.locator("pre").waitFor();
      await check(stage, page, `a parked entry ${viewport.width} ${colorScheme}`);
      await page.getByRole("button", { name: "Discard …" }).click();
      await page.getByRole("dialog").waitFor();
      await check(stage, page, `a dialog ${viewport.width} ${colorScheme}`);
      await page.context().close();
    }
  }
}

async function check(stage, page, what) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(over, 0, `${what} is ${over} px too wide`);
  assert.deepEqual(await stage.violations(page), [], what);
}

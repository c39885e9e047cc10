// An account of which only what is new was heard: its page says so, has it fetched because somebody looks who reads here,
// and in the end has all of it, with nothing loaded again by hand. Started by tests/it/partial.rs.
import assert from "node:assert/strict";
import { check } from "./looks.mjs";
import { postWith, withPassword } from "./people.mjs";
import { run } from "./stage.mjs";

await run({ partial });

async function partial(stage) {
  const page = await stage.operate({ viewport: { width: 1440, height: 900 } });
  await page.goto(stage.at(`/profile/${stage.bob.did}`));
  await is(page, "partial", "what was before is not");
  await counts(page, ["at least 1 post", "at least 0 followers", "at least 0 follows"]);
  await postWith(page, stage.last).waitFor();
  assert.equal(await page.locator(".feed > li").count(), 1);
  await check(stage, page, "partial");

  // The operator alone has nothing fetched by looking; who reads here has.
  await page.goto(stage.at("/sign-in"));
  await page.getByRole("button", { name: "Use an app password instead" }).click();
  await withPassword(page, stage.alice.handle, stage.appPassword);
  await page.waitForURL(stage.at("/home"));
  await page.goto(stage.at(`/profile/${stage.bob.did}`));
  await is(page, "being fetched", "What it does meanwhile waits, and follows.");
  await counts(page, ["at least 1 post", "at least 0 followers", "at least 0 follows"]);
  await check(stage, page, "being fetched");

  await stage.ask("release");
  await is(page, "complete", "All of it is here");
  // Who follows it lies in others' repositories, of which not all are here.
  await counts(page, [`${stage.posts} posts`, "at least 0 followers", "1 follows"]);
  await postWith(page, stage.first).waitFor();
  assert.equal(await page.locator(".feed > li").count(), stage.posts);
  await check(stage, page, "complete");
  await page.context().close();
}

/** What the page says of how much is here. */
async function is(page, state, says) {
  const card = page.locator("section[aria-labelledby=completeness]");
  await card.locator(".facts > div", { has: page.getByText("State", { exact: true }) }).getByText(state, { exact: true }).waitFor();
  await card.getByText(says).waitFor();
}

async function counts(page, expected) {
  for (const [at, words] of expected.entries()) {
    await page.locator(".counts > *").nth(at).getByText(words).waitFor();
    const text = await page.locator(".counts > *").nth(at).innerText();
    assert.equal(text, words);
  }
}

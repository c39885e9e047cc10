// When the PDS refuses: what was shown is taken back with its words, nothing that was written is lost, and it can be
// tried again. Here its account is deactivated for a while.
import assert from "node:assert/strict";
import { atPds, postWith, records, signedIn, until } from "./people.mjs";

export async function refusal(stage) {
  const page = await signedIn(stage);
  await postWith(page, "the wheel turns").waitFor();
  await atPds(stage, stage.alice, "com.atproto.server.deactivateAccount", {});
  const like = postWith(page, "the wheel turns").getByRole("button", { name: "Like" });
  await like.click();
  await page.getByText("The like was taken back.").waitFor();
  assert.equal(await like.getAttribute("aria-pressed"), "false");
  await page.getByLabel("Your post").fill("not to be lost");
  await page.getByRole("button", { name: "Post", exact: true }).click();
  const refused = page.locator(".feed > li", { hasText: "not to be lost" });
  await refused.getByText("It was not posted.").waitFor();
  assert.match(await refused.innerText(), /deactivated/i, "in the words of the PDS");
  assert.deepEqual(await stage.violations(page), []);
  await atPds(stage, stage.alice, "com.atproto.server.activateAccount");
  await page.reload();
  await refused.waitFor();
  await refused.getByRole("button", { name: "Try again" }).click();
  await until("it is posted in the end, once", async () => (await records(stage, stage.alice, "app.bsky.feed.post")).filter(({ value }) => value.text === "not to be lost").length === 1);
  await page.context().close();
}

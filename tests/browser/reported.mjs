// Somebody reports a post to whom they choose and an account to whom their server chooses, and sees what is decided.
// Started by tests/it/reported.rs, which looks into the moderation service's queue and decides there.
import assert from "node:assert/strict";
import { check } from "./looks.mjs";
import { postWith, signedIn, until } from "./people.mjs";
import { run } from "./stage.mjs";

await run({ reported });

async function reported(stage) {
  const page = await signedIn(stage, { viewport: { width: 1440, height: 900 } });
  await page.goto(stage.at(`/profile/${stage.bob.did}`));
  await postWith(page, stage.text).getByRole("button", { name: "More" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Report …" }).click();
  const dialog = page.getByRole("dialog", { name: /^Report the post/ });
  await dialog.getByRole("button", { name: "Report", exact: true }).click();
  await dialog.getByText("Say why.").waitFor();
  await dialog.getByLabel("Spam").check();
  await dialog.getByLabel("In your words").fill(stage.words);
  await dialog.getByLabel("who moderates here").check();
  await check(stage, page, "reporting");
  await send(dialog);
  await stage.ask("reported");

  await until("the moderator's label is shown", async () => {
    await page.reload();
    await postWith(page, stage.text).waitFor();
    return postWith(page, stage.text).getByText("rude", { exact: true }).isVisible();
  });

  await page.locator(".profile").getByRole("button", { name: "Report …" }).click();
  const account = page.getByRole("dialog", { name: /^Report @/ });
  await account.getByLabel("Rude").check();
  await account.getByLabel("In your words").fill(stage.words);
  assert.equal(await account.getByLabel("whom your server chooses").isChecked(), true);
  await send(account);
  await stage.ask("reported-account");

  await until("the post is gone", async () => {
    await page.reload();
    await page.locator(".feed > li").first().waitFor();
    return (await page.getByText(stage.text).count()) === 0;
  });
  await page.context().close();
}

async function send(dialog) {
  await dialog.getByRole("button", { name: "Report", exact: true }).click();
  await dialog.getByText("The report was taken.").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await dialog.waitFor({ state: "detached" });
}

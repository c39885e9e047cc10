// Signing in at the pages of a real PDS, which are its own; refusing there; app passwords; and what goes wrong.
import assert from "node:assert/strict";
import { withPassword } from "./people.mjs";

export async function signingIn(stage) {
  await wrong(stage);
  const page = await stage.open();
  await refuses(stage, page);
  await agrees(stage, page);
  await page.context().close();
}

async function wrong(stage) {
  const page = await stage.open();
  await page.goto(stage.at("/home"));
  await page.getByRole("heading", { name: "Sign in with your account" }).waitFor();
  assert.deepEqual(await stage.violations(page), []);
  await page.getByLabel("Your handle").fill("nobody.test");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
  await page.getByRole("button", { name: "Use an app password instead" }).click();
  await page.getByText("never the password of your account").waitFor();
  await withPassword(page, stage.alice.handle, "not-it");
  await page.getByText("That is not the password of this account.").waitFor();
  assert.deepEqual(await stage.violations(page), []);
  // What comes back is anybody's text.
  await page.goto(stage.at(`/sign-in?${new URLSearchParams({ error: "SignInFailed", message: stage.hostile })}`));
  await page.getByText("did not keep to the rules").waitFor();
  assert.equal(await page.getByRole("alert").locator("bdi").innerText(), stage.hostile);
  assert.equal(await page.locator("main :is(img, script, b)").count(), 0);
  await page.goto(stage.at("/sign-in?error=x&message=javascript:alert(1)"));
  await page.getByText("Nobody was signed in.").waitFor();
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  await page.context().close();
}

/** To the PDS's own page, and signed in there. */
async function atTheirServer(stage, page) {
  await page.getByLabel("Your handle").fill(`@${stage.alice.handle}`);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL(`${stage.pds}/oauth/authorize**`);
  await page.getByLabel("Password", { exact: true }).fill(stage.alice.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Authorize" }).waitFor();
}

async function refuses(stage, page) {
  await page.goto(stage.at(`/profile/${stage.bob.did}`));
  await page.getByRole("link", { name: "Sign in", exact: true }).click();
  await atTheirServer(stage, page);
  await page.getByRole("button", { name: "Deny access" }).click();
  await page.getByText("Your server says that you did not agree.").waitFor();
  assert.deepEqual(await stage.violations(page), []);
}

async function agrees(stage, page) {
  await page.goto(stage.at(`/profile/${stage.bob.did}`));
  await page.getByRole("link", { name: "Sign in", exact: true }).click();
  await atTheirServer(stage, page);
  await page.getByRole("button", { name: "Authorize" }).click();
  // Back where they were, and known.
  await page.waitForURL(stage.at(`/profile/${stage.bob.did}`));
  await page.getByRole("link", { name: `Your account: ${stage.alice.handle}` }).waitFor();
  await page.getByRole("button", { name: "Following" }).waitFor();
  assert.equal(await page.evaluate(() => document.cookie), "", "no script sees the cookie");
  await page.getByRole("link", { name: "Your account" }).click();
  await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
  await page.getByRole("heading", { name: "Sign in with your account" }).waitFor();
  await page.goto(stage.at(`/profile/${stage.bob.did}`));
  await page.locator(".feed > li").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Following" }).count(), 0);
}

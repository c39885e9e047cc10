// Settings: looks, languages, browsers and tokens; who signs out everywhere is out everywhere.
import assert from "node:assert/strict";
import { signedIn } from "./people.mjs";

export async function settings(stage) {
  const page = await signedIn(stage);
  const other = await signedIn(stage);
  await page.goto(stage.at("/settings"));
  await page.getByLabel("dark", { exact: true }).check();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.getByLabel("as the system has it").check();
  await token(stage, page);
  await browsers(stage, page, other);
  await page.context().close();
  await other.context().close();
}

async function token(stage, page) {
  await page.getByText("Make a token").click();
  await page.getByLabel("What it is for").fill("<b>bot</b>");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("It is shown this once").waitFor();
  const secret = (await page.locator(".secret code").innerText()).trim();
  const authorization = `Bearer ${secret}`;
  const timeline = () => fetch(`${stage.base}/xrpc/app.bsky.feed.getTimeline`, { headers: { authorization } });
  assert.equal((await timeline()).status, 200);
  assert.deepEqual(await stage.violations(page), []);
  await page.getByRole("button", { name: "I have it" }).click();
  await page.reload();
  await page.locator(".chosen bdi", { hasText: "<b>bot</b>" }).waitFor();
  assert.equal(await page.getByText(secret).count(), 0);
  await page.getByRole("button", { name: "Revoke … <b>bot</b>" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByText("acts no more").waitFor();
  assert.equal((await timeline()).status, 401);
}

async function browsers(stage, page, other) {
  const rows = page.locator("section", { hasText: "Where you are signed in" }).locator(".chosen > li");
  await rows.nth(1).waitFor();
  await page.getByText("this one", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Sign out everywhere …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("heading", { name: "Sign in with your account" }).waitFor();
  // The other one hears of it with its next question, and keeps what was typed.
  await other.getByLabel("Your post").fill("half a thought");
  await other.getByRole("link", { name: "Notifications" }).click();
  await other.getByText("You were signed out here.").waitFor();
  assert.match(await other.evaluate(() => localStorage.getItem("millrace.typed")), /half a thought/);
  await other.evaluate(() => localStorage.clear());
}

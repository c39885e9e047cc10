// An operator signs in, watches, and deals with what was parked.
import assert from "node:assert/strict";

export async function operator(stage) {
  const page = await stage.open();
  await page.goto(`${stage.base}/`);
  assert.equal(page.url(), stage.at("/"), "a browser is taken to the dashboard");
  await signIn(stage, page);
  await theOverviewMoves(page);
  await hosts(stage, page);
  await rejected(stage, page);
  await parked(stage, page);
  await signOut(stage, page);
  await page.context().close();
}

async function signIn(stage, page) {
  const secret = page.getByLabel("Password or token");
  await secret.fill("a wrong guess");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("neither the operator's password nor").waitFor();
  await secret.fill(stage.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.locator(".headline").waitFor();
  // Another tab knows nothing of it; this one does, after it was loaded again.
  await page.reload();
  await page.locator(".headline").waitFor();
}

async function theOverviewMoves(page) {
  const events = page.locator(".figure", { hasText: "since the start" }).locator(".more");
  const before = await events.innerText();
  await page.waitForFunction(
    (before) => [...document.querySelectorAll(".figure .more")].some((one) => one.textContent.includes("since the start") && one.textContent !== before),
    before,
  );
  await page.locator(".chart path.edge").waitFor();
  await page.locator(".sources h3").first().getByText("connected", { exact: true }).waitFor();
  const verified = page.locator("tr", { hasText: "signature and proof checked" }).locator(".number");
  assert.notEqual(await verified.innerText(), "0");
  await page.locator("section", { hasText: "Accounts" }).getByText("Counted").first().waitFor();
}

async function hosts(stage, page) {
  await page.getByRole("link", { name: "Hosts" }).click();
  await page.locator("tbody tr").first().waitFor();
  assert.equal(page.url(), stage.at("/hosts"));
  assert.match(await page.locator("tbody").innerText(), /http:\/\/localhost:\d+|http:\/\/127\.0\.0\.1:\d+/);
  await page.getByRole("heading", { name: "Backfills" }).waitFor();
  await page.getByText("There are none.").waitFor();
}

async function rejected(stage, page) {
  await page.goto(stage.at("/rejected?reason=rev"));
  await page.getByText("None of the events kept was rejected for").waitFor();
}

async function parked(stage, page) {
  await page.getByRole("link", { name: "Parked" }).click();
  const rows = page.locator("tbody tr");
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2);
  await page.getByRole("link", { name: /^#\d+$/ }).first().click();
  await page.getByText("What to do:").waitFor();
  assert.match(await page.locator("pre").innerText(), /6e6f20656e7472792030/, "what stands in the log is shown");
  const tries = () => page.locator(".facts > div").filter({ has: page.getByText("Tries", { exact: true }) }).locator("dd");
  const before = Number(await tries().innerText());
  await page.getByRole("button", { name: "Retry" }).click();
  await page.waitForFunction(
    (before) => [...document.querySelectorAll(".facts > div")].some((one) => one.querySelector("dt").textContent === "Tries" && Number(one.querySelector("dd").textContent) > before),
    before,
  );
  await page.getByRole("button", { name: "Discard …" }).click();
  await page.getByRole("button", { name: "Keep it" }).click();
  await page.getByRole("button", { name: "Discard …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
  await page.getByRole("heading", { name: "Parked entries" }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  await page.getByRole("button", { name: "Retry all" }).click();
  await page.getByText("1 entries are tried again").waitFor();
}

async function signOut(stage, page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Password or token").waitFor();
  await page.reload();
  await page.getByLabel("Password or token").waitFor();
}

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
  await backfills(stage, page);
}

/** Accounts are had fetched; what cannot be is told beside its field. */
async function backfills(stage, page) {
  const form = page.getByRole("form", { name: "Begin a backfill" });
  const begin = form.getByRole("button", { name: /^Begin/ });
  const wrong = (text) => form.getByRole("alert").filter({ hasText: text }).waitFor();
  await begin.click();
  await wrong("Name an account first.");
  const field = form.getByRole("textbox", { name: "Accounts" });
  await field.fill("nonsense nobody.sim.test");
  await begin.click();
  await wrong("Not an account or a record: nonsense");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await field.fill("nobody.sim.test");
  await begin.click();
  await wrong("No account here has the handle nobody.sim.test");
  await form.getByRole("combobox").selectOption({ label: "The members of a list" });
  assert.equal(await form.getByRole("alert").count(), 0, "it was about the other field");
  await form.getByLabel("List or starter pack").fill(stage.did);
  await begin.click();
  await wrong("Not a list or a starter pack");
  await form.getByRole("combobox").selectOption({ label: "Who reads here, and whom they follow" });
  await begin.click();
  await wrong("nobody reads here");
  await form.getByRole("combobox").selectOption({ label: "Everybody whom the sources list" });
  await begin.click();
  await page.getByRole("dialog").getByRole("button", { name: "Leave it" }).click();
  assert.equal(await page.locator(".card").count(), 0);

  await form.getByRole("combobox").selectOption({ label: "These accounts" });
  await field.fill(`@${stage.handle}, ${stage.verifier}`);
  await form.getByLabel("Fetch also what is complete").check();
  await begin.click();
  await form.getByText("Backfill 1 has begun, of 2.").waitFor();
  assert.equal(await field.inputValue(), "");
  const job = page.locator(".card", { hasText: "1: dids" });
  await job.getByText("done", { exact: true }).waitFor();
  assert.match(await job.innerText(), /Fetched\s+2/);
  // One that takes longer is cancelled.
  await field.fill("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa");
  await begin.click();
  await form.getByText("Backfill 2 has begun, of 1.").waitFor();
  const lost = page.locator(".card", { hasText: "2: dids" });
  await lost.getByRole("button", { name: "Cancel …" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel it" }).click();
  await lost.getByText("cancelled", { exact: true }).waitFor();
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
  // Some that are chosen, at once.
  await page.getByLabel(/^Choose #\d+$/).check();
  await page.getByText("1 chosen").waitFor();
  await page.getByRole("button", { name: "Discard chosen …" }).click();
  await page.getByRole("button", { name: "Keep them" }).click();
  await page.getByRole("button", { name: "Retry chosen" }).click();
  await page.getByText("1 are tried again.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Retry chosen" }).count(), 0, "nothing is chosen any more");
}

async function signOut(stage, page) {
  await page.getByRole("button", { name: "Operator: sign out" }).click();
  await page.getByLabel("Password or token").waitFor();
  await page.reload();
  await page.getByLabel("Password or token").waitFor();
}

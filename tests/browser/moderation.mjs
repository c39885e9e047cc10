// The operator decides what is shown: takedowns, labels, lists; each with a way back.
import assert from "node:assert/strict";

export async function moderation(stage) {
  const page = await stage.operate();
  await accounts(stage, page);
  await record(stage, page);
  await takedowns(stage, page);
  await labels(stage, page);
  await lists(stage, page);
  await page.context().close();
}

const dialog = (page) => page.getByRole("dialog");
const button = (place, name) => place.getByRole("button", { name, exact: true });

/** An account is looked up, taken down, and shown again. */
async function accounts(stage, page) {
  const did = stage.verifier;
  await page.goto(stage.at("/"));
  await page.getByRole("link", { name: "Moderate" }).click();
  const field = page.getByLabel("Account or record", { exact: true });
  await field.fill("nobody in particular");
  await button(page, "Look up").click();
  await page.getByText("Name a DID, a handle").waitFor();
  await field.fill(`@${stage.handle}`);
  await button(page, "Look up").click();
  await page.waitForURL(stage.at(`/moderation/accounts/${stage.handle}`));
  await page.getByRole("heading", { name: `@${stage.handle} active` }).waitFor();
  await page.goto(stage.at("/moderation/accounts/nobody.sim.test"));
  await page.getByText("No account here has the handle nobody.sim.test").waitFor();

  const stranger = await stage.open();
  await stranger.goto(stage.at(`/profile/${did}`));
  await stranger.locator(".profile").waitFor();
  await page.goto(stage.at(`/moderation/accounts/${did}`));
  const down = button(page, "Take the account down …");
  await down.click();
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Take the account down …", "the focus is where it was");
  await down.click();
  await dialog(page).getByText("is shown to nobody").waitFor();
  await page.keyboard.type("tells tales");
  assert.deepEqual(await stage.violations(page), []);
  await button(dialog(page), "Take down").click();
  await page.getByText("1 subject is down.").waitFor();
  await page.getByText("by operator: tells tales").waitFor();
  await stranger.reload();
  await stranger.getByRole("alert").waitFor();
  assert.equal(await stranger.locator(".profile").count(), 0);

  await button(page, "Lift the takedown …").click();
  await button(dialog(page), "Lift").click();
  await page.getByText("The takedown is lifted.").waitFor();
  await down.waitFor();
  await stranger.reload();
  await stranger.locator(".profile").waitFor();
  await stranger.context().close();
}

/** From a post to what is decided of it. */
async function record(stage, page) {
  const { did, rkeys } = stage.exhibits;
  await page.goto(stage.at(`/post/${did}/${rkeys.words}`));
  await page.locator(".anchor").getByRole("link", { name: "Moderate" }).click();
  await page.getByRole("heading", { name: "This record", exact: true }).waitFor();
  await button(page, "Take the record down …").click();
  await button(dialog(page), "Take down").click();
  await page.getByRole("heading", { name: "This record taken down here" }).waitFor();
  const stranger = await stage.open();
  await stranger.goto(stage.at(`/post/${did}/${rkeys.words}`));
  await stranger.getByRole("alert").waitFor();
  await stranger.context().close();
  await page.getByRole("navigation", { name: "Of moderation" }).getByRole("link", { name: "takedowns" }).click();
  const row = page.locator("tbody tr", { hasText: rkeys.words });
  await button(row, "Lift …").click();
  await button(dialog(page), "Lift").click();
  await page.getByText("Nothing is taken down here.").waitFor();
}

async function takedowns(stage, page) {
  const field = page.getByRole("textbox", { name: "Accounts or records" });
  await field.fill(`did:plc:aaaaaaaaaaaaaaaaaaaaaaaa, nonsense\n${stage.verifier}`);
  await button(page, "Take down …").click();
  await page.getByText("Not an account or a record: nonsense").waitFor();
  await field.fill(`did:plc:aaaaaaaaaaaaaaaaaaaaaaaa\n${stage.verifier}`);
  await button(page, "Take down …").click();
  await page.getByRole("dialog", { name: "Take 2 subjects down?" }).waitFor();
  await button(dialog(page), "Take down").click();
  await page.getByText("2 subjects are down.").waitFor();
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 2);
  assert.equal(await field.inputValue(), "");

  // What the server refuses is told where it was asked.
  await field.fill(stage.verifier);
  await page.getByLabel("Blob").fill("no cid");
  await button(page, "Take down …").click();
  await button(dialog(page), "Take down").click();
  await dialog(page).getByRole("alert").filter({ hasText: /\S/ }).waitFor();
  await button(dialog(page), "Leave it").click();
  for (let left = 1; left >= 0; left -= 1) {
    await page.getByRole("button", { name: "Lift …" }).first().click();
    await button(dialog(page), "Lift").click();
    await page.waitForFunction((left) => document.querySelectorAll("tbody tr").length === left, left);
  }
}

/** Many are labeled in one go, and one is taken back. */
async function labels(stage, page) {
  await page.goto(stage.at("/moderation/labels"));
  const dids = Array.from({ length: 120 }, (_, n) => `did:plc:${String(n).padStart(24, "a").replaceAll(/[0189]/g, "b")}${n}`);
  await page.getByRole("textbox", { name: "Accounts or records" }).fill(dids.join("\n"));
  await button(page, "Label …").click();
  await page.getByText("Say which label.").waitFor();
  await page.getByLabel("Label", { exact: true }).fill("spam");
  await page.getByLabel("Reason").fill("a ring of them");
  await button(page, "Label …").click();
  await page.getByRole("dialog", { name: "Say “spam” of 120 subjects?" }).waitFor();
  assert.deepEqual(await stage.violations(page), []);
  await button(dialog(page), "Label").click();
  await page.getByText("“spam” is said of 120 subjects.").waitFor();
  const row = page.locator("tbody tr", { hasText: dids[119] });
  await row.waitFor();
  await button(page, "More").click();
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 100);
  await button(row, "Take back …").click();
  await button(dialog(page), "Take back").click();
  await page.getByText("“spam” is taken back.").waitFor();
  await page.locator("tbody tr", { hasText: dids[119] }).getByText("taken back", { exact: true }).waitFor();

  // The same from the page of an account.
  await page.goto(stage.at(`/moderation/accounts/${dids[0]}`));
  await page.getByText("Nothing of this account is here.").waitFor();
  const told = page.locator("section", { hasText: "Said by labelers" });
  await told.getByText("spam").waitFor();
  await page.getByLabel("Label", { exact: true }).fill("spam");
  await button(page, "Take back …").click();
  await button(dialog(page), "Take back").click();
  await told.getByText("Nothing.").waitFor();
}

async function lists(stage, page) {
  await page.goto(stage.at("/moderation/lists"));
  const items = page.locator(".chosen > li");
  const add = async (subjects) => {
    await page.getByRole("textbox", { name: "Accounts", exact: true }).fill(subjects);
    await page.getByLabel("Note").fill("known here");
    await button(page, "Add").click();
  };
  await page.getByText("Nothing is on this list.").waitFor();
  await add(`@${stage.handle}\n${stage.verifier}`);
  await page.getByText("2 items are at the end of the list.").waitFor();
  await items.nth(1).waitFor();
  await items.nth(0).getByText(`@${stage.handle}`).waitFor();
  await page.getByRole("button", { name: "Move number 2 up" }).click();
  await page.getByText("Moved to place 1.").waitFor();
  await items.nth(1).getByText(`@${stage.handle}`).waitFor();
  await page.reload();
  await items.nth(1).getByText(`@${stage.handle}`).waitFor();
  await items.nth(1).getByText("known here").waitFor();
  for (let left = 1; left >= 0; left -= 1) {
    await page.getByRole("button", { name: "Take off …" }).first().click();
    await button(dialog(page), "Take off").click();
    await page.waitForFunction((left) => document.querySelectorAll(".chosen > li").length === left, left);
  }

  await page.getByRole("list", { name: "Lists" }).getByRole("link", { name: "Feeds", exact: true }).click();
  const feeds = page.getByRole("textbox", { name: "Feeds", exact: true });
  await feeds.fill(stage.did);
  await button(page, "Add").click();
  await page.getByRole("alert").filter({ hasText: "feeds has the URI of a record" }).waitFor();
  await feeds.fill(stage.exhibits.feed);
  await button(page, "Add").click();
  await items.first().getByRole("link", { name: stage.exhibits.feedName ?? "Mills" }).waitFor();
}

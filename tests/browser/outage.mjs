// The server goes away and comes back: what is shown says how old it is, and goes on by itself.
import assert from "node:assert/strict";

export async function outage(stage) {
  const page = await stage.operate();
  await page.locator(".chart path.edge").waitFor();
  await stage.ask("stop");
  const stale = page.getByText("Not up to date.");
  await stale.waitFor();
  assert.ok(await page.locator(".figures").isVisible(), "what was known stays on the page");
  assert.deepEqual(await stage.violations(page), []);
  // A page that has nothing yet says so, and offers to try again.
  await page.getByRole("link", { name: "Parked" }).click();
  await page.getByText("The server does not answer.").waitFor();
  await stage.ask("start");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator("tbody tr").first().waitFor();
  await page.getByRole("link", { name: "Overview" }).click();
  await page.locator(".figures").waitFor();
  await stale.waitFor({ state: "detached" });
  await page.context().close();

  // A page that is left open recovers without being touched.
  const open = await stage.operate();
  await stage.ask("stop");
  await open.getByText("Not up to date.").waitFor();
  await stage.ask("start");
  await open.getByText("Not up to date.").waitFor({ state: "detached" });
  await open.context().close();
}

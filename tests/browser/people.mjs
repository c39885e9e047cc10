// What people do beside the dashboard: at their PDS, with its own methods; and signing in to the dashboard.

/** Asks the PDS in somebody's name. */
export async function atPds(stage, who, nsid, input, method = "POST") {
  who.token ??= (await ask(stage, "com.atproto.server.createSession", { identifier: who.handle, password: who.password }, undefined, "POST")).accessJwt;
  return ask(stage, nsid, input, who.token, method);
}

async function ask(stage, nsid, input, token, method) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const isQuery = method === "GET";
  const url = `${stage.pds}/xrpc/${nsid}${isQuery ? `?${new URLSearchParams(input)}` : ""}`;
  const body = isQuery || input === undefined ? {} : { headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(input) };
  const answer = await fetch(url, { method, headers, ...body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${nsid}: ${answer.status} ${text}`);
  return text === "" ? {} : JSON.parse(text);
}

export async function records(stage, who, collection) {
  const { records } = await atPds(stage, who, "com.atproto.repo.listRecords", { repo: who.did, collection, limit: "100" }, "GET");
  return records;
}

export function create(stage, who, collection, record) {
  const whole = { $type: collection, createdAt: new Date().toISOString(), ...record };
  return atPds(stage, who, "com.atproto.repo.createRecord", { repo: who.did, collection, record: whole });
}

/** Until something holds; it is asked again and again. */
export async function until(what, holds, withinMs = 30_000) {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Signed in with an app password, in a browser of its own. */
export async function signedIn(stage, options) {
  const page = await stage.open(options);
  await page.goto(stage.at("/sign-in"));
  await page.getByRole("button", { name: "Use an app password instead" }).click();
  await withPassword(page, stage.alice.handle, stage.appPassword);
  await page.waitForURL(stage.at("/home"));
  await page.locator(".feed > li").first().waitFor();
  return page;
}

export async function withPassword(page, handle, password) {
  await page.getByLabel("Your handle").fill(handle);
  await page.getByLabel("App password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** The post with these words, as a list of posts shows it. */
export function postWith(page, words) {
  return page.locator("main .post", { hasText: words }).first();
}

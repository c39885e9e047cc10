// What every part of a test in Chromium works with, and running the parts one after the other. Started by a test of
// tests/it, which runs the program and does what this process asks for: a line "@stop" or "@start" is answered with a
// line when it is done.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const WAIT_MS = 30_000;

const given = JSON.parse(process.env.DASHBOARD_TEST ?? "{}");
const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export async function run(parts) {
  const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const browser = await chromium.launch({ executablePath: given.chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  const faults = [];
  let last;
  const stage = {
    ...given,
    at: (path) => `${given.base}/dashboard${path}`,
    /** Has the program stopped or started, or something else done that only the test can do. */
    async ask(what) {
      console.log(`@${what}`);
      const { value } = await answers.next();
      if (value !== "done") throw new Error(`${what}: ${value}`);
    },
    /** What the operator's API answers to a command. */
    async tell(path, body) {
      const headers = { authorization: `Bearer ${given.token}`, "content-type": "application/json" };
      const answer = await fetch(`${given.base}/api/v1/admin/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    /** A page of its own browser profile; what goes wrong in it is remembered. */
    async open(options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(WAIT_MS);
      page.on("pageerror", (error) => faults.push(`a script failed: ${error.message}`));
      page.on("dialog", (dialog) => {
        faults.push(`a dialog opened: ${dialog.message()}`);
        void dialog.dismiss();
      });
      last = page;
      return page;
    },
    /** The same, with the operator signed in. */
    async operate(options) {
      const page = await stage.open(options);
      await page.goto(stage.at(`/#token=${given.token}`));
      await page.locator(".headline").waitFor();
      return page;
    },
    /** A picture for who asked for pictures. */
    async picture(page, name) {
      if (given.pictures) await page.screenshot({ path: `${given.pictures}/${name}.png`, fullPage: true });
    },
    async violations(page) {
      await page.evaluate(axe);
      return page.evaluate(async () => {
        const found = await globalThis.axe.run();
        if (found.passes.length < 5) throw new Error("axe looked at nothing");
        return found.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.target.join(" ")).join(", ")}`);
      });
    },
  };
  try {
    for (const [name, part] of Object.entries(parts)) {
      const started = Date.now();
      await part(stage);
      if (faults.length > 0) throw new Error(faults.join("\n"));
      console.log(`ok ${name} (${Date.now() - started} ms)`);
    }
    console.log("@passed");
  } catch (error) {
    console.log(`failed: ${error.stack}`);
    await last?.screenshot({ path: given.screenshot, fullPage: true }).catch(() => undefined);
    console.log(`address: ${last?.url()}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
    process.stdin.destroy();
  }
}

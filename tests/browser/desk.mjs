// A browser with somebody signed in. Everything that a page says on its console, every refused
// load and every failed request counts against the test; each page that is looked at passes axe.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const tools = createRequire(join(process.env.BROWSER_TOOLS, "package.json"));
const { chromium } = tools("playwright-core");
const axe = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];
// What takes pictures writes a style of its own into the page, which the policy refuses.
const pictures = Boolean(process.env.SCREENSHOTS);
export const base = process.env.CONSOLE;

export const must = (truth, what) => {
  if (!truth) throw new Error(what);
};

export const open = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });

/** Signs somebody in, in his language. */
export const enter = async (browser, person, locale, size = { width: 1360, height: 860 }) => {
  const context = await browser.newContext({ locale, viewport: size, timezoneId: "Asia/Shanghai", bypassCSP: pictures });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = [];
  // A form that does not fit answers 422 and what is not there 404: the console names them, as it should.
  page.on("console", (said) => {
    const expected = /status of (422|404|403|409)/.test(said.text());
    if (["error", "warning"].includes(said.type()) && !expected) faults.push(`console: ${said.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => {
    const left = /ERR_ABORTED/.test(request.failure()?.errorText ?? "");
    if (!left) faults.push(`request: ${request.url()} ${request.failure()?.errorText}`);
  });
  await page.goto(`${base}/sign-in`);
  await page.fill("#person", person);
  await page.fill("#password", "hotline-demo");
  await Promise.all([page.waitForURL((url) => !url.pathname.startsWith("/sign-in")), page.click("button.main")]);
  const english = locale.startsWith("en");
  return { context, page, faults, english, person, locale };
};

/** Goes somewhere and looks at it. */
export const look = async (who, path, name) => {
  await who.page.goto(base + path);
  await inspect(who, name ?? path);
};

/** No serious finding, right language, nothing wider than the screen; a picture if they are wanted. */
export const inspect = async (who, name) => {
  const { page } = who;
  await page.waitForLoadState("domcontentloaded");
  await page.waitForFunction(() => document.querySelectorAll(".htmx-request").length === 0);
  must((await page.getAttribute("html", "lang")) === (who.english ? "en" : "zh-CN"), `${name}: another language`);
  must((await page.locator("h1").count()) >= 1, `${name}: no heading`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  must(wide <= 1, `${name}: ${wide} px wider than the screen`);
  // Through the debugger, which the page's own policy does not bind.
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run({ resultTypes: ["violations"] });
    return violations
      .filter((one) => ["serious", "critical"].includes(one.impact))
      .map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | ")}`);
  });
  must(found.length === 0, `${name} (${who.locale}): ${found.join("\n")}`);
  if (pictures && !name.startsWith("/")) {
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-${who.english ? "en" : "zh"}.png`) });
  }
};

export const leave = async (who) => {
  must(who.faults.length === 0, `${who.person} (${who.locale}):\n${who.faults.join("\n")}`);
  await who.context.close();
};

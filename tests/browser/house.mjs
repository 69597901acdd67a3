// What keeps the house in order, in both languages: filters kept, more time asked for and decided, a
// spoken approval and its paper, a duty with its proof, the cases behind a figure, a rule book tried,
// an import previewed and confirmed, the health page. What the environment names was prepared by
// tests/tests/console.rs.
import { base, enter, inspect, leave, look, must, open } from "./desk.mjs";

/** The one deed of a kind on the page; ids hold more than a selector likes. */
const only = async (page, action) => {
  const deed = page.locator(`details[id^="deed-${action}-"]`).first();
  if ((await deed.getAttribute("open")) === null) await deed.locator("> summary").click();
  return deed;
};

const send = (deed) => deed.locator("form > .row button[type=submit]").click();

/** A filter is kept under a name, is there after signing in anew, and can be forgotten. */
const filters = async (browser, locale) => {
  const name = locale === "en" ? "major ones" : "重大的 <b>";
  let who = await enter(browser, "QH-CCS", locale);
  let { page } = who;
  await look(who, "/board?severity=major");
  await page.click(".kept summary");
  await page.fill("#filter-name", name);
  await page.press("#filter-name", "Enter");
  await page.waitForURL(/severity=major/);
  await page.waitForSelector(`.kept-one a[aria-current]`);
  await inspect(who, "board-kept");
  await page.click("form[action='/sign-out'] button");
  await page.waitForURL("**/sign-in");
  await leave(who);
  who = await enter(browser, "QH-CCS", locale, { width: 360, height: 780 });
  page = who.page;
  await look(who, "/board");
  await page.click(`.kept-one a:has-text("${name}")`);
  await page.waitForURL(/severity=major/);
  await page.click(".kept-one form button");
  await page.waitForURL(/\/board$/);
  must((await page.locator(`.kept-one a:has-text("${name}")`).count()) === 0, "a forgotten filter is there");
  await leave(who);
};

/** Who works asks for more time; who is named grants it once and denies it once. */
const moreTime = async (browser, locale, ticket, grant) => {
  let who = await enter(browser, "SF-E01-CRM", locale);
  await look(who, `/tickets/${ticket}`);
  let deed = await only(who.page, "ask_extension");
  await send(deed);
  await who.page.waitForSelector('details[id^="deed-ask_extension-"] [aria-invalid=true], details[id^="deed-ask_extension-"] .note.late');
  deed = await only(who.page, "ask_extension");
  await deed.locator("input[name=reason][value=waiting_parts]").check();
  await inspect(who, grant ? "more-time" : "/more-time");
  await send(deed);
  await who.page.waitForURL(/said=ask_extension/);
  await leave(who);
  who = await enter(browser, "SF-E01-GM", locale);
  await look(who, `/tickets/${ticket}`);
  deed = await only(who.page, "decide_extension");
  await deed.locator(`input[name=granted][value=${grant ? "yes" : "no"}]`).check();
  await send(deed);
  await who.page.waitForURL(/said=decide_extension/);
  const words = { "zh-CN": ["同意延期", "不同意延期"], en: ["more time granted", "more time denied"] }[locale][grant ? 0 : 1];
  await who.page.waitForFunction((words) => document.querySelector("#clocks").parentElement.innerText.includes(words), words);
  await inspect(who, "/more-time-decided");
  await leave(who);
};

/** Taken down by who asked; signed for, or denied, by who is said to have approved. */
const spoken = async (browser, locale, ticket, denied) => {
  let who = await enter(browser, "SF-E01-CRM", locale);
  await look(who, `/tickets/${ticket}`);
  let deed = await only(who.page, "spoken");
  await deed.locator("input[name=verbal_by]").fill("SF-E01-GM");
  await deed.locator("textarea[name=text]").fill("电话里同意，稍后补签。");
  await send(deed);
  await who.page.waitForURL(/said=spoken/);
  await inspect(who, denied ? "/spoken" : "spoken");
  await leave(who);
  who = await enter(browser, "SF-E01-GM", locale);
  await look(who, `/tickets/${ticket}`);
  deed = await only(who.page, "confirm_paper");
  await deed.locator(`input[name=decision][value=${denied ? "denied" : "approved"}]`).check();
  await send(deed);
  await who.page.waitForURL(/said=confirm_paper/);
  await leave(who);
};

/** A duty is done with its proof, on a telephone. */
const duty = async (browser, locale) => {
  const who = await enter(browser, "SF-E01-CRS", locale, { width: 360, height: 780 });
  const { page } = who;
  await look(who, "/duties", "duties");
  await page.locator("article button.main").first().click();
  await page.waitForURL(/said=taken/);
  const card = page.locator("article", { has: page.locator("details.act") }).first();
  const deed = card.locator("details.act").first();
  if ((await deed.getAttribute("open")) === null) await deed.locator("> summary").click();
  const before = await page.locator("article").count();
  await deed.locator("input[type=file][data-kind=document]").setInputFiles({ name: "list.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4 a list") });
  await deed.locator("fieldset input[name=proof]").first().waitFor({ state: "attached" });
  await send(deed);
  await page.waitForURL(/said=done/);
  await page.waitForFunction((before) => document.querySelectorAll("article").length < before, before);
  await inspect(who, "/duties-done");
  await look(who, "/duties?of=branch");
  await leave(who);
};

/** From a figure to the cases that make it up; a rule book tried; both for who watches. */
const figures = async (browser, locale) => {
  const who = await enter(browser, "QH-CCS", locale);
  const { page } = who;
  await look(who, "/figures?figure=opened");
  await page.click("a[href^='/figures/cases'][href*='by=all']");
  await page.waitForSelector("table tbody tr");
  await inspect(who, "figure-cases");
  const rows = await page.locator("table tbody tr").count();
  must(rows >= 4, `the cases behind "opened": ${rows}`);
  await look(who, "/rules");
  await page.click("a[href$='/try']");
  await page.waitForSelector("#try");
  await inspect(who, "/try");
  await page.selectOption("#branch", "SF-E01");
  await page.check("input[name=acts][value=nobody]");
  await page.click("#try .row button");
  await page.waitForSelector("#played tbody tr");
  must((await page.locator("#played tbody tr").count()) > 5, "nothing would happen");
  await inspect(who, "tried");
  await leave(who);
};

/** The administrator: an import seen before it counts, and what the system says of itself. */
const administrator = async (browser, locale, number) => {
  const who = await enter(browser, "QH-ADM", locale);
  const { page } = who;
  await look(who, "/directory");
  await page.click("a[href='/directory/import']");
  const list = (name, text) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
  await page.setInputFiles("#files", list("nonsense.csv", "a,b\n1,2\n"));
  await page.click("#import > .row button");
  await page.waitForSelector("#result .note.late");
  const rows = `代码,上级,层级,名称,日历,时区,地址\nSF-X0${number},SF-E,门店,示例新店 ${number},,,示例市\nSF-X9,NOWHERE,门店,无处,,,\n`;
  await page.setInputFiles("#files", list("nodes.csv", rows));
  await page.click("#import > .row button");
  await page.waitForSelector("#result table tbody tr");
  must((await page.locator("#result tbody tr").count()) === 1, "one branch is new");
  must((await page.textContent("#result .note.late")).includes("SF-X9") || (await page.textContent("#result .note.late")).includes("nodes.csv:3"), "the row that does not fit is not named");
  await inspect(who, "import");
  // Other files than those that were seen are refused.
  await page.setInputFiles("#files", list("nodes.csv", rows.replace("示例新店", "另一家店")));
  await page.click("#result button[name=confirm]");
  await page.waitForSelector("#result .note.late[role=alert]");
  await page.setInputFiles("#files", list("nodes.csv", rows));
  await page.click("#import > .row button");
  await page.waitForSelector("#result button[name=confirm]");
  await page.click("#result button[name=confirm]");
  await page.waitForSelector("#result .note.good");
  await look(who, `/directory?node=SF-X0${number}`);
  await look(who, "/system", "health");
  must((await page.locator("#aside").count()) === 1, "an administrator sees the quarantine");
  must((await page.locator("section[aria-labelledby=readers] tbody tr").count()) === 7, "seven readers");
  await leave(who);
};

const browser = await open();
try {
  for (const locale of ["zh-CN", "en"]) {
    const of = (name) => process.env[`${name}_${locale === "en" ? "EN" : "ZH"}`];
    await filters(browser, locale);
    await moreTime(browser, locale, of("TO_JUDGE"), locale === "en");
    await spoken(browser, locale, of("TO_APPROVE"), locale === "en");
    await duty(browser, locale);
    await figures(browser, locale);
    await administrator(browser, locale, locale === "en" ? 2 : 1);
    console.log(`${locale}: in order`);
  }
} finally {
  await browser.close();
}

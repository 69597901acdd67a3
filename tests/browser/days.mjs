// Each role's day, in both languages, against the real services: an agent takes a call, the branch
// works, the manager approves, the desk calls back, the supervisor watches. What the environment
// names was prepared by tests/tests/console.rs.
import { base, enter, inspect, leave, look, must, open } from "./desk.mjs";

const SCRIPT = "<script>document.title='broken'</script>";
const NASTY = `${SCRIPT} =1+1 \u202Eevil\u202C 😀 ${"长".repeat(30)}`;

const pick = (page, name, value) => page.check(`input[name="${name}"][value="${value}"]`);

/** The agent opens a case without touching the mouse once the page is there; answers with its number. */
const agent = async (browser, locale, phone) => {
  const who = await enter(browser, "QH-CC1", locale);
  const { page } = who;
  await look(who, `/desk?phone=${phone}`, "desk");
  must(!page.url().includes(phone), "the telephone number stays in the address");
  must((await page.inputValue("[name=phone]")) === phone, "the telephone number is not in the form");
  // What is missing is said, and nothing is lost.
  await page.fill("[name=customer_name]", NASTY);
  await page.press("[name=customer_name]", "Control+Enter");
  await page.waitForSelector("#intake [aria-invalid=true]");
  must((await page.inputValue("[name=customer_name]")) === NASTY, "words were lost");
  await page.fill("[name=branch]", "SF-E01");
  await page.fill("[name=model]", "示例车型");
  await page.fill("[name=plate]", "沪A12345");
  await page.fill("[name=content]", NASTY);
  await page.focus('input[name="customer_check"]');
  await page.keyboard.press("Space");
  for (const [name, value] of [["customer_check", "unknown"], ["source", "call_centre"], ["category", "repair_quality"]]) {
    await pick(page, name, value);
  }
  await page.check("input[name=door_blocked]");
  await page.waitForSelector("#seen .chip.major");
  await inspect(who, "desk-filled");
  await page.press("[name=content]", "Control+Enter");
  await page.waitForURL("**/desk/opened/*");
  await inspect(who, "opened");
  const number = (await page.textContent(".readout")).trim();
  must(/^\d\d-\d{5}-\d$/.test(number), `no number to read out: ${number}`);
  must((await page.title()) !== "broken", "a script ran");
  await page.click(`a[href^="/tickets/"]`);
  await page.waitForSelector("#clocks");
  await inspect(who, "/tickets/opened");
  must((await page.locator("script:not([src])").count()) === 0, "a script stands in the page");
  // Masked until there is a reason; inert when it is shown.
  must(!(await page.content()).includes("长长长"), "personal words are shown unmasked");
  await page.locator("form[action$=reveal]").evaluate((form) => form.closest("details").setAttribute("open", ""));
  await page.fill("#reveal", "核对客户资料");
  await page.press("#reveal", "Enter");
  await page.waitForFunction((words) => document.body.innerText.includes(words), SCRIPT);
  must((await page.title()) !== "broken", "a script ran when it was revealed");
  await inspect(who, "/tickets/revealed");
  // Found as one types, without the words in an address.
  await page.fill("#find", phone);
  await page.waitForSelector("#found a");
  must((await page.textContent("#found")).includes(number), "the case is not found by its telephone");
  await leave(who);
  return number;
};

/** At the branch, on a telephone: taken over, judged, and a solution proposed. */
const branch = async (browser, locale, number) => {
  const phone = { width: 360, height: 780 };
  let who = await enter(browser, "SF-E01-CRM", locale, phone);
  let { page } = who;
  await look(who, "/work?of=branch", "work");
  const card = page.locator("article", { hasText: number });
  await card.locator("button.main").click();
  await page.waitForURL("**/tickets/*");
  await page.waitForSelector(".note.good");
  await inspect(who, "ticket-phone");
  const deed = page.locator("#deed-complete_step-judge");
  if ((await deed.getAttribute("open")) === null) await deed.locator("> summary").click();
  // Refused with what is missing beside the fields, then with everything.
  await deed.locator("textarea[name=findings]").fill("查阅维修记录，属实。");
  await deed.locator("form > .row button[type=submit]").click();
  await page.waitForSelector("#deed-complete_step-judge [aria-invalid=true], #deed-complete_step-judge .note.late");
  must((await deed.locator("textarea[name=findings]").inputValue()).includes("属实"), "words were lost");
  await inspect(who, "/tickets/refused");
  await deed.locator("input[name=judged_nature][value=general]").check();
  for (const name of ["judged_category_right", "grounds_sufficient", "demand_reasonable"]) {
    await deed.locator(`input[name=${name}][value=true]`).check();
  }
  await deed.locator("input[name=named_handler]").fill("SF-E01-SVM");
  await deed.locator("form > .row button[type=submit]").click();
  await page.waitForURL(/said=complete_step/);
  must((await page.locator("ol.steps li.done").count()) >= 1, "the step is not shown as done");
  await leave(who);
};

/** Every page fits a telephone. */
const small = async (browser, locale) => {
  const who = await enter(browser, "QH-CCS", locale, { width: 360, height: 780 });
  const pages = ["/desk", "/board", "/calls", "/duties", "/approvals", "/figures", "/rules/dealer-group/1", "/calendar", "/directory", "/messages", "/system"];
  for (const path of pages) await look(who, path);
  await leave(who);
};

/** The general manager decides what waits for him, once each way round. */
const manager = async (browser, locale, number) => {
  const who = await enter(browser, "SF-E01-GM", locale);
  const { page } = who;
  await look(who, "/approvals", "approvals");
  const card = page.locator("article", { hasText: number });
  await card.locator("input[name=decision][value=approved]").check();
  await card.locator("button[type=submit]").click();
  await page.waitForFunction((number) => !document.querySelector("main").innerText.includes(number), number);
  await leave(who);
};

/** Who is due is called; the survey is asked as the rule book asks it. */
const callBack = async (browser, locale, number) => {
  const who = await enter(browser, "QH-CC1", locale);
  const { page } = who;
  await look(who, "/calls?ahead=168", "calls");
  await page.click(`a:has-text("${number}")`);
  await page.waitForSelector(".script");
  await inspect(who, "call");
  const deed = page.locator("#deed-record");
  await deed.locator("input[name=satisfaction][value='5']").check();
  await deed.locator("input[name=handling][value='4']").check();
  await deed.locator("input[name=settled][value=true]").check();
  await deed.locator("textarea").fill("客户表示满意。");
  await deed.locator("button[type=submit]").click();
  await page.waitForURL(/said=record/);
  await page.waitForSelector(".note.good");
  await leave(who);
};

/** Watches: the board refreshes by itself when something changes elsewhere. */
const supervisor = async (browser, locale, opening) => {
  const who = await enter(browser, "QH-CCS", locale);
  const { page } = who;
  await look(who, "/board", "board");
  await page.keyboard.press("j");
  must(await page.evaluate(() => document.activeElement?.closest("tr") !== null), "j does not walk the list");
  const number = await opening();
  const began = Date.now();
  await page.waitForSelector(`table.board a:has-text("${number}")`);
  must(Date.now() - began < 10_000, "the board did not refresh by itself");
  await page.click(`table.board a:has-text("${number}")`);
  await page.waitForSelector("ol.line");
  await inspect(who, "ticket");
  for (const [path, name] of [
    ["/board?wall=1", "wall"], ["/figures", "figures"], ["/figures?period=monthly", undefined],
    ["/rules", undefined], ["/rules/dealer-group/1", "rule-book"], ["/calendar", "calendar"],
    ["/directory", undefined], ["/directory?node=SF-E01", "directory"], ["/messages", "messages"],
    ["/system", "health"], ["/work", undefined], ["/approvals", undefined], ["/calls", undefined],
  ]) {
    await look(who, path, name);
  }
  await page.goto(`${base}/figures`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("form[action='/figures/csv'] button")]);
  must(download.suggestedFilename().endsWith(".csv"), "no table to take away");
  await look(who, "/tickets/00000000-0000-7000-8000-000000000000");
  await leave(who);
};

const browser = await open();
try {
  // The second reads like a ticket's number, too.
  const phones = { "zh-CN": "13900000001", en: "13900000012" };
  for (const locale of ["zh-CN", "en"]) {
    const suffix = locale === "en" ? "EN" : "ZH";
    const opened = await agent(browser, locale, phones[locale]);
    await branch(browser, locale, opened);
    await manager(browser, locale, process.env[`TO_APPROVE_${suffix}`]);
    await callBack(browser, locale, process.env[`TO_CALL_${suffix}`]);
    await small(browser, locale);
    await supervisor(browser, locale, () => agent(browser, locale, locale === "en" ? "13811112222" : "13811113333"));
    console.log(`${locale}: walked`);
  }
} finally {
  await browser.close();
}

// What must not be possible: posts from elsewhere, another branch's case, old and foreign cookies,
// words that run.
import { base, enter, leave, must, open } from "./desk.mjs";

const browser = await open();
try {
  const who = await enter(browser, "SF-E01-CRM", "zh-CN");
  const { page, context } = who;
  const cookies = await context.cookies();
  const session = cookies.find((cookie) => cookie.name === "__Host-session");
  must(session?.httpOnly && session.secure && session.path === "/" && session.sameSite === "Lax", "the session's cookie is weak");

  // Headers of every page.
  const board = await page.goto(`${base}/board`);
  const policy = board.headers()["content-security-policy"] ?? "";
  must(policy.includes("default-src 'none'") && !policy.includes("unsafe"), `policy: ${policy}`);
  must(board.headers()["x-content-type-options"] === "nosniff" && board.headers()["cache-control"] === "no-store", "headers");

  // A post from another site, with the cookie that a browser would send.
  const cookie = `__Host-session=${session.value}`;
  const own = process.env.OWN;
  for (const headers of [
    { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
    { origin: "https://evil.example" },
    { origin: "null" },
    {},
  ]) {
    const answer = await fetch(`${base}/tickets/${own}/do/acknowledge`, { method: "POST", headers: { ...headers, cookie, "content-type": "application/x-www-form-urlencoded" }, body: "cycle=1", redirect: "manual" });
    must(answer.status === 403, `a post from elsewhere: ${answer.status} ${JSON.stringify(headers)}`);
  }
  // A page of another site that posts a form: the browser sends no cookie, or we refuse.
  const evil = await context.newPage();
  await evil.setContent(`<form id=f method=post action="${base}/tickets/${own}/do/acknowledge"><input name=cycle value=1></form>`);
  await evil.evaluate(() => document.getElementById("f").submit());
  await evil.waitForFunction((base) => location.href.startsWith(base), base);
  must(!evil.url().includes("said="), "a foreign form did something");
  await evil.close();

  // Another branch's case looks like none at all.
  const foreign = await page.goto(`${base}/tickets/${process.env.FOREIGN}`);
  must([403, 404].includes(foreign.status()), `another branch's case: ${foreign.status()}`);
  must(!(await page.content()).includes(process.env.FOREIGN_NUMBER), "its number is shown");
  const filter = await page.goto(`${base}/board?branch=SF-N01`);
  must(filter.status() === 403, `another branch's board: ${filter.status()}`);

  // A cookie that somebody made up, changed, or brought along.
  for (const value of ["x", session.value.slice(0, -2) + "AA", `${session.value}x`]) {
    const answer = await fetch(`${base}/board`, { headers: { cookie: `__Host-session=${value}`, accept: "text/html" }, redirect: "manual" });
    must(answer.status === 303 && answer.headers.get("location").startsWith("/sign-in"), `a made-up cookie: ${answer.status}`);
  }
  const again = await enter(browser, "SF-E01-CRM", "zh-CN");
  const other = (await again.context.cookies()).find((one) => one.name === "__Host-session");
  must(other.value !== session.value, "a session is used twice");
  await again.page.click("form[action='/sign-out'] button");
  await again.page.waitForURL("**/sign-in");
  const ended = await fetch(`${base}/board`, { headers: { cookie: `__Host-session=${other.value}`, accept: "text/html" }, redirect: "manual" });
  must(ended.status === 303, "a cookie lives on after signing out");
  await leave(again);

  // Nobody is sent away after signing in.
  const sly = await (await fetch(`${base}/sign-in?to=${encodeURIComponent("//evil.example")}`)).text();
  must(!sly.includes("evil.example"), "the door sends people to other sites");

  // Wrong passwords: a plain sentence, then a wait.
  let locked = 0;
  for (let turn = 0; turn < 7; turn += 1) {
    const answer = await fetch(`${base}/sign-in`, { method: "POST", headers: { origin: base, "content-type": "application/x-www-form-urlencoded" }, body: "person=SF-E01-RC&password=wrong", redirect: "manual" });
    must([422, 429].includes(answer.status), `a wrong password: ${answer.status}`);
    locked += answer.status === 429 ? 1 : 0;
  }
  must(locked > 0, "passwords can be tried without end");

  // Words of an address are words.
  await page.goto(`${base}/board?holder=${encodeURIComponent("\"><img src=x onerror=alert(1)>")}`);
  must((await page.locator("main img").count()) === 0, "an address can write into the page");

  // The account is disabled: the cookie ends, here and now. Who disables it reads this line.
  console.log("READY TO DISABLE");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  // A door that stays open would keep this program from ending.
  process.stdin.destroy();
  const until = Date.now() + 20_000;
  for (;;) {
    const answer = await fetch(`${base}/board`, { headers: { cookie, accept: "text/html" }, redirect: "manual" });
    if (answer.status === 303) break;
    must(Date.now() < until, "a disabled account's cookie is good");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await context.close();
  console.log("REFUSED");
} finally {
  await browser.close();
}

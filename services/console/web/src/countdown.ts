// Deadlines count down by the server's business time, which may run faster than the wall clock.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Clock {
  business: number;
  read: number;
  factor: number;
}

const clock = (): Clock => {
  const data = document.body.dataset;
  return { business: Number(data.now), read: performance.now(), factor: Number(data.factor ?? "1") };
};

export const left = (milliseconds: number, english: boolean): string => {
  const away = Math.abs(milliseconds);
  const [days, hours, minutes] = [
    Math.floor(away / DAY),
    Math.floor((away % DAY) / HOUR),
    Math.floor((away % HOUR) / MINUTE),
  ];
  if (days > 0) return english ? `${days} d ${hours} h` : `${days} 天 ${hours} 小时`;
  if (hours > 0) return english ? `${hours} h ${minutes} min` : `${hours} 小时 ${minutes} 分`;
  if (minutes > 0) return english ? `${minutes} min` : `${minutes} 分钟`;
  const seconds = Math.floor(away / 1000);
  return english ? `${seconds} s` : `${seconds} 秒`;
};

const risk = (milliseconds: number): string =>
  milliseconds < 0 ? "late" : milliseconds < HOUR ? "soon" : milliseconds < 4 * HOUR ? "near" : "calm";

const WORDS: Record<string, [string, string]> = {
  late: ["逾期", "late by"],
  soon: ["剩", "left"],
  near: ["剩", "left"],
  calm: ["剩", "left"],
};

const show = (element: HTMLElement, now: number, english: boolean) => {
  const due = Number(element.dataset.due) / 1000;
  const away = due - now;
  const state = risk(away);
  const [zh, en] = WORDS[state]!;
  const text = left(away, english);
  const said = english ? (state === "late" ? `${en} ${text}` : `${text} ${en}`) : `${zh} ${text}`;
  const words = element.querySelector("b") ?? element;
  if (words.textContent !== said) words.textContent = said;
  if (element.dataset.risk !== state) element.dataset.risk = state;
};

export const countDown = () => {
  const from = clock();
  const english = document.documentElement.lang === "en";
  const tick = () => {
    const now = from.business + (performance.now() - from.read) * from.factor;
    document.querySelectorAll<HTMLElement>("time[data-due]").forEach((each) => show(each, now, english));
    const face = document.getElementById("now");
    if (face) {
      const zone = face.dataset.zone ?? "Asia/Shanghai";
      const style: Intl.DateTimeFormatOptions = {
        month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
      };
      const text = new Intl.DateTimeFormat(english ? "en-GB" : "zh-CN", style).format(now);
      if (face.textContent !== text) face.textContent = text;
    }
  };
  tick();
  setInterval(tick, 1000);
  document.body.addEventListener("htmx:afterSwap", tick);
};

// What every page needs: fragments (htmx), countdowns, the live connection, the keyboard.
import htmx from "htmx.org";
import { countDown } from "./countdown";
import { keyboard } from "./keyboard";
import { live } from "./live";
import { copies, filters, forgetful, signatures } from "./controls";
import { attachments } from "./attachments";

// Set here and not in a <meta>: the policy allows no inline style and no eval.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.historyCacheSize = 0;
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  // A form that does not fit comes back with its words and what is wrong.
  { code: "422", swap: true },
  { code: "[45]..", swap: false, error: true },
];

countDown();
keyboard();
live(htmx);
copies();
filters();
signatures();
forgetful();
attachments();

const trouble = (text: string) => {
  const place = document.getElementById("trouble");
  if (place) place.textContent = text;
};

document.body.addEventListener("htmx:responseError", (event) => {
  const xhr = (event as CustomEvent).detail.xhr as XMLHttpRequest;
  if (xhr.status === 401) {
    location.reload();
    return;
  }
  const type = xhr.getResponseHeader("content-type") ?? "";
  trouble(type.startsWith("text/plain") ? xhr.responseText : (document.body.dataset.failed ?? ""));
});
document.body.addEventListener("htmx:sendError", () => trouble(document.body.dataset.unreachable ?? ""));
document.body.addEventListener("htmx:beforeRequest", () => trouble(""));
// What came back wrong is where the keyboard goes on.
document.body.addEventListener("htmx:afterSettle", (event) => {
  const target = event.target as HTMLElement;
  target.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
});

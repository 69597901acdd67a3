// One connection per page tells that something changed; the parts concerned fetch themselves anew.
// A lost connection shows itself, and after it comes back everything is read again.

interface Htmx {
  trigger(element: Element, event: string): void;
}

/** A form that somebody has written into, or stands in, is not taken away from under his hands. */
const isBusy = (part: HTMLElement): boolean =>
  part.querySelector("form[data-touched]") !== null ||
  part.contains(document.activeElement?.closest("form, input, textarea") ?? null);

document.addEventListener("input", (event) => {
  (event.target as HTMLElement).closest("form")?.setAttribute("data-touched", "");
});

const RENEW = 4 * 60_000;

export const live = (htmx: Htmx) => {
  if (document.body.dataset.live === undefined) return;
  let lost = false;
  const refresh = (concerned: (watched: string) => boolean) => {
    document.querySelectorAll<HTMLElement>("[data-watch]").forEach((part) => {
      if (!concerned(part.dataset.watch ?? "")) return;
      if (isBusy(part)) document.body.classList.add("stale");
      else htmx.trigger(part, "changed");
    });
  };
  // What was asked for before somebody began to write comes back after it.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.target as HTMLElement;
    if (part.dataset.watch === undefined) return;
    if (isBusy(part)) {
      (event as CustomEvent).detail.shouldSwap = false;
      document.body.classList.add("stale");
      return;
    }
    const open = [...part.querySelectorAll<HTMLElement>("details[open][id]")].map((each) => each.id);
    const unfold = () => open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    part.addEventListener("htmx:afterSettle", unfold, { once: true });
  });
  const source = new EventSource("/live");
  source.addEventListener("changed", (event) => {
    const said = JSON.parse((event as MessageEvent<string>).data) as { branches: string[]; tickets: string[] };
    refresh((watched) => watched === "*" || said.tickets.includes(watched) || said.branches.includes(watched));
  });
  source.addEventListener("everything", () => refresh(() => true));
  source.addEventListener("open", () => {
    document.body.classList.remove("lost");
    // What happened meanwhile was not heard.
    if (lost) refresh(() => true);
    lost = false;
  });
  source.addEventListener("error", () => {
    lost = true;
    document.body.classList.add("lost");
  });
  addEventListener("pagehide", () => source.close());
  // An open page keeps its session; a closed one lets it end.
  setInterval(() => {
    void fetch("/session", { method: "GET", cache: "no-store" }).then((answer) => {
      if (answer.status === 401) location.reload();
    }).catch(() => undefined);
  }, RENEW);
};

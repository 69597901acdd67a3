// `/` searches, `?` lists the keys, g + letter goes somewhere, j / k walk a list, Ctrl+Enter sends.

const typing = () => document.activeElement?.matches("input, textarea, select, [contenteditable]") ?? false;

const walk = (step: number) => {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row] a[href], [data-row] button")].filter(
    (row, place, all) => all.findIndex((other) => other.closest("[data-row]") === row.closest("[data-row]")) === place,
  );
  if (rows.length === 0) return;
  const now = rows.findIndex((row) => row.closest("[data-row]")?.contains(document.activeElement));
  rows[Math.min(Math.max(now + step, 0), rows.length - 1)]?.focus();
};

export const keyboard = () => {
  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter") {
      (document.activeElement as HTMLElement | null)?.closest("form")?.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing()) {
      if (event.key === "Escape") (document.activeElement as HTMLElement).blur();
      return;
    }
    if (going) {
      going = false;
      const link = document.querySelector<HTMLAnchorElement>(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    switch (event.key) {
      case "g":
        going = true;
        setTimeout(() => (going = false), 1500);
        break;
      case "/":
        event.preventDefault();
        document.getElementById("find")?.focus();
        break;
      case "j":
        walk(1);
        break;
      case "k":
        walk(-1);
        break;
      case "?":
        (document.getElementById("keys") as HTMLDialogElement | null)?.showModal();
        break;
    }
  });
};

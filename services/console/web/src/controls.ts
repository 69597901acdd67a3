// Small things that pages ask for by an attribute.

/** `data-copy`: puts its text into the clipboard. */
export const copies = () => {
  document.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-copy]");
    if (!button) return;
    void navigator.clipboard?.writeText(button.dataset.copy ?? "").then(() => {
      button.dataset.copied = "";
      setTimeout(() => delete button.dataset.copied, 1500);
    });
  });
  document.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-print]");
    if (button) print();
    const close = (event.target as HTMLElement).closest<HTMLElement>("[data-close]");
    close?.closest("dialog")?.close();
  });
};

/** `data-submit`: a filter that applies itself. */
export const filters = () => {
  document.addEventListener("change", (event) => {
    const control = event.target as HTMLElement;
    if (control.matches("[data-submit]")) control.closest("form")?.requestSubmit();
  });
};

/** `canvas[data-signature]`: a signature drawn with finger, pen or mouse. */
export const signatures = () => {
  const begun = new WeakSet<HTMLCanvasElement>();
  const prepare = () =>
    document.querySelectorAll<HTMLCanvasElement>("canvas[data-signature]").forEach((canvas) => {
      if (begun.has(canvas)) return;
      begun.add(canvas);
      const pen = canvas.getContext("2d")!;
      pen.lineWidth = 2.5;
      pen.lineCap = "round";
      const place = (event: PointerEvent): [number, number] => {
        const box = canvas.getBoundingClientRect();
        return [
          ((event.clientX - box.left) * canvas.width) / box.width,
          ((event.clientY - box.top) * canvas.height) / box.height,
        ];
      };
      let down = false;
      canvas.addEventListener("pointerdown", (event) => {
        down = true;
        canvas.setPointerCapture(event.pointerId);
        pen.beginPath();
        pen.moveTo(...place(event));
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!down) return;
        pen.lineTo(...place(event));
        pen.stroke();
        canvas.dataset.drawn = "";
      });
      canvas.addEventListener("pointerup", () => (down = false));
    });
  prepare();
  document.body.addEventListener("htmx:afterSettle", prepare);
};

/** `data-forget-query`: a telephone number that came in the address does not stay in it. */
export const forgetful = () => {
  if (document.querySelector("[data-forget-query]") && location.search) {
    history.replaceState(null, "", location.pathname);
  }
};

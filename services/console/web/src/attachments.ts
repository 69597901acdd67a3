// Photos, recordings, papers and signatures are sent before their form: the form then carries the
// receipts. What cannot be sent is said beside the control, and the form keeps everything else.

const say = (place: HTMLElement, text: string, wrong = false) => {
  const line = place.querySelector<HTMLElement>("output");
  if (!line) return;
  line.textContent = text;
  line.classList.toggle("wrong", wrong);
};

const send = async (place: HTMLElement, kind: string, body: Blob, name: string) => {
  const url = `/tickets/${place.dataset.ticket}/attachments?kind=${encodeURIComponent(kind)}`;
  say(place, `${name} …`);
  try {
    const answer = await fetch(url, {
      method: "POST",
      body,
      headers: { "content-type": body.type || "application/octet-stream" },
    });
    if (!answer.ok) {
      say(place, await answer.text(), true);
      return;
    }
    const receipt = (await answer.json()) as { receipt: string };
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "proof";
    field.value = receipt.receipt;
    place.append(field);
    const item = document.createElement("li");
    item.textContent = `✓ ${name}`;
    place.querySelector("ul")?.append(item);
    say(place, "");
  } catch {
    say(place, document.body.dataset.unreachable ?? "", true);
  }
};

export const attachments = () => {
  document.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    const place = input.closest<HTMLElement>("[data-attach]");
    if (!place || input.type !== "file") return;
    for (const file of input.files ?? []) void send(place, input.dataset.kind ?? "document", file, file.name);
    input.value = "";
  });
  document.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-sign], [data-wipe]");
    const place = button?.closest<HTMLElement>("[data-attach]");
    const canvas = place?.querySelector("canvas");
    if (!button || !place || !canvas) return;
    if (button.dataset.sign !== undefined && canvas.dataset.drawn !== undefined) {
      canvas.toBlob((blob) => blob && void send(place, "signature", blob, button.dataset.sign ?? ""), "image/png");
    }
    canvas.getContext("2d")!.clearRect(0, 0, canvas.width, canvas.height);
    delete canvas.dataset.drawn;
  });
};

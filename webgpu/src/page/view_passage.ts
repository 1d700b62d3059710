// A passage in its place on its page, with what was quoted of it marked. Escape closes it.

import type { Citation } from "../types";
import type { Entry } from "./asking";
import { fill, h, type Child } from "./dom";
import type { Library } from "./library";
import { say } from "./words";

const AROUND_CHARACTERS = 240; // of the page, shown before and after the passage

export function passageDialog(dialog: HTMLDialogElement, library: Library) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return (entry: Entry, number: number, citations: readonly Citation[]): void => {
    const chunk = entry.context.hits[number - 1]!.chunk;
    // Removed documents leave their passages behind in the answers that were given.
    const page = library.page(chunk)?.text ?? " ".repeat(chunk.start) + chunk.text;
    const first = Math.max(0, chunk.start - AROUND_CHARACTERS);
    const last = Math.min(page.length, chunk.end + AROUND_CHARACTERS);
    const body = h(
      "div",
      { class: "passage-text", tabindex: "0", role: "region", "aria-labelledby": "passage-title" },
      h("span", { class: "muted" }, first > 0 && "…", page.slice(first, chunk.start).trimStart()),
      ...marked(page.slice(chunk.start, chunk.end), chunk.start, citations),
      h("span", { class: "muted" }, page.slice(chunk.end, last).trimEnd(), last < page.length && "…"),
    );
    fill(
      dialog,
      h(
        "header",
        {},
        h("h2", { id: "passage-title" }, chunk.documentName),
        h(
          "button",
          { type: "button", class: "icon-button", "aria-label": say("close"), onclick: () => dialog.close() },
          "×",
        ),
      ),
      h(
        "p",
        { class: "muted" },
        [say("page_number", { page: chunk.page }), chunk.section].filter(Boolean).join(" · "),
      ),
      citations.length > 0 &&
        citations.every((one) => !one.supported) &&
        h("p", { class: "problem" }, say("not_backed_long")),
      body,
    );
    dialog.showModal();
    body.querySelector("mark")?.scrollIntoView({ block: "center" });
  };
}

/** `text`, which begins at `offset` of its page, in pieces: those that were quoted are marked. */
export function marked(text: string, offset: number, citations: readonly Citation[]): Child[] {
  const edges = citations.flatMap((one) => [one.start - offset, one.end - offset]);
  const inside = edges.filter((edge) => edge > 0 && edge < text.length);
  const cuts = [...new Set([0, ...inside, text.length])].sort((one, other) => one - other);
  return cuts.slice(1).map((end, index) => {
    const start = cuts[index]!;
    const isQuoted = citations.some(
      (one) => one.start - offset <= start && end <= one.end - offset,
    );
    const piece = text.slice(start, end);
    return isQuoted ? h("mark", {}, piece) : piece;
  });
}

// The documents of this visit: dropped, chosen or pasted; listed; removed.

import { silentPages } from "../documents/readers";
import type { Document } from "../types";
import { drawn } from "./cell";
import { byId, fill, h } from "./dom";
import type { Library } from "./library";
import { told } from "./problems";
import { count, isKey, language, say } from "./words";

export function showDocuments(library: Library, announce: (said: string) => void): void {
  const tell = async (adding: Promise<void>) => {
    await adding;
    const failed = library.unread.value.map((one) => `${one.name}: ${told(one.problem)}`);
    announce([count(library.documents.value.length, "document"), ...failed].join(". "));
  };
  takeFiles((files) => tell(library.add(files)));
  takeText(library, (text, name) => tell(library.addText(text, name)));
  drawn(() => draw(library), library.documents, library.unread, library.reading, language);
}

function takeFiles(add: (files: readonly File[]) => void): void {
  const input = byId<HTMLInputElement>("files");
  input.addEventListener("change", () => {
    add([...(input.files ?? [])]);
    input.value = "";
  });
  const target = document.documentElement; // a file may be dropped anywhere on the page
  target.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    target.classList.add("is-dragging");
  });
  target.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) target.classList.remove("is-dragging");
  });
  target.addEventListener("drop", (event) => {
    target.classList.remove("is-dragging");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });
}

function takeText(library: Library, add: (text: string, name: string) => Promise<void>): void {
  const text = byId<HTMLTextAreaElement>("pasted");
  byId("add-pasted").addEventListener("click", async () => {
    if (!text.value.trim()) return text.focus();
    const names = new Set(library.documents.value.map((one) => one.name));
    let number = 1;
    while (names.has(`${say("pasted_name")} ${number}`)) number += 1;
    await add(text.value, `${say("pasted_name")} ${number}`);
    if (library.unread.value.length) return; // it stays, to be mended
    text.value = "";
    byId<HTMLDetailsElement>("paste").open = false;
  });
}

function noted(document: Document): string {
  return isKey(document.note) ? say(document.note, { pages: silentPages(document) }) : document.note;
}

function draw(library: Library): void {
  const { documents, unread, reading } = library;
  fill(
    byId("documents"),
    ...documents.value.map((one) =>
      h(
        "li",
        { class: "row" },
        h(
          "div",
          {},
          h("span", { class: "name" }, one.name),
          h("span", { class: "muted" }, count(one.pages.length, "page")),
          one.note && h("span", { class: "problem" }, noted(one)),
        ),
        h(
          "button",
          {
            type: "button",
            class: "icon-button",
            "aria-label": say("remove_document", { name: one.name }),
            onclick: () => {
              library.remove(one.id);
              byId("files").focus();
            },
          },
          "×",
        ),
      ),
    ),
    reading.value &&
      h("li", { class: "row muted" }, h("span", {}, h("span", { class: "spinner", "aria-hidden": "true" }), say("reading_file", { name: reading.value }))),
    ...unread.value.map(({ name, problem }) =>
      h("li", { class: "row" }, h("div", {}, h("span", { class: "name" }, name), h("span", { class: "problem" }, told(problem)))),
    ),
  );
  byId("documents-none").hidden = documents.value.length > 0 || reading.value !== "";
}

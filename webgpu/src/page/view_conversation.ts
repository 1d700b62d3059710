// The questions asked and their answers, the latest last; a few words to get started while there are none.

import type { Answer, Asking, Entry } from "./asking";
import { drawn } from "./cell";
import { byId, fill, h } from "./dom";
import type { Library } from "./library";
import { answerView } from "./view_answer";
import { passageDialog } from "./view_passage";
import { searchedView } from "./view_searched";
import { language, say } from "./words";

const FOLLOWED_PX = 120; // that an answer grows by at once

export function showConversation(
  asking: Asking,
  library: Library,
  goOn: (entry: Entry, answer: Answer) => void,
): void {
  const list = byId("answers");
  const openPassage = passageDialog(byId<HTMLDialogElement>("passage"), library);
  const shown = new Map<Entry, HTMLElement>();
  const actions = { openPassage, goOn };
  language.watch(() => shown.clear()); // drawn anew below
  new ResizeObserver(() => follow(list)).observe(list);
  drawn(
    () => {
      for (const entry of asking.entries.value) {
        if (!shown.has(entry)) shown.set(entry, entryView(entry, actions));
      }
      const views = asking.entries.value.map((entry) => shown.get(entry)!);
      fill(list, ...views);
      byId("welcome").hidden = views.length > 0;
      views.at(-1)?.scrollIntoView({ block: "nearest" });
    },
    asking.entries,
    language,
  );
}

/** Keeps the end of what is written in sight, unless the person has scrolled away from it. */
function follow(list: HTMLElement): void {
  const last = list.lastElementChild;
  if (last && last.getBoundingClientRect().bottom < innerHeight + FOLLOWED_PX)
    last.scrollIntoView({ block: "nearest" });
}

function entryView(entry: Entry, actions: Parameters<typeof answerView>[3]): HTMLElement {
  const answers = entry.answers.map(({ asked, state }) => answerView(entry, asked, state, actions));
  return h(
    "li",
    { class: "entry" },
    h("h2", { class: "question" }, entry.question),
    searchedView(entry, (number) => actions.openPassage(entry, number, [])),
    answers.length
      ? h("div", { class: answers.length > 1 ? "answers side-by-side" : "answers" }, ...answers)
      : h(
          "article",
          { class: "answer is-absent" },
          h("header", { class: "answer-head" }, h("span", { class: "badge badge-absent" }, say("not_in_documents"))),
          h("div", { class: "answer-text" }, say("nothing_found")),
        ),
  );
}

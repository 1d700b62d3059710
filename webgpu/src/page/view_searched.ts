// What was searched for a question: each passage found, what of it matched, and whether a model read it.

import type { Hit } from "../types";
import type { Entry } from "./asking";
import { h } from "./dom";
import { count, figure, say } from "./words";

export function searchedView(entry: Entry, open: (number: number) => void): HTMLElement {
  const { context } = entry;
  const found = context.hits.length + context.dropped.length;
  const summary = found
    ? say("searched", { passages: count(found, "passage"), used: figure(context.hits.length) })
    : say("searched_none");
  return h(
    "details",
    { class: "searched" },
    h("summary", {}, summary),
    found > 0 &&
      h(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": say("searched_table") },
        h(
          "table",
          {},
          h(
            "thead",
            {},
            h("tr", {}, ...["passage", "terms", "score", "fate"].map((one) =>
              h("th", { scope: "col" }, say(`column_${one as "terms"}`)),
            )),
          ),
          h(
            "tbody",
            {},
            ...context.hits.map((hit, index) => row(hit, say("fits"), () => open(index + 1))),
            ...context.dropped.map(({ hit, reason }) => row(hit, say(`dropped_${reason}`), null)),
          ),
        ),
        h(
          "p",
          { class: "muted" },
          say("budget", { used: figure(context.tokenCount), budget: figure(context.budgetTokens) }),
        ),
      ),
  );
}

function row(hit: Hit, fate: string, open: (() => void) | null): HTMLElement {
  const name = `${hit.chunk.documentName}, ${say("page_number", { page: hit.chunk.page })}`;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, open ? h("button", { type: "button", class: "link", onclick: open }, name) : name),
    h("td", {}, hit.matchedTerms.join(", ")),
    h("td", { class: "number" }, figure(hit.score, 2)),
    h("td", {}, fate),
  );
}

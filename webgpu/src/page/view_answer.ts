// One answer as it is written: its text with chips for its citations, and what it took.

import type { Citation } from "../types";
import type { Answer, Asked, Entry } from "./asking";
import type { Cell } from "./cell";
import { drawn } from "./cell";
import { fill, h, type Child } from "./dom";
import { told } from "./problems";
import { figure, language, say, seconds, speed } from "./words";

export interface AnswerActions {
  openPassage(entry: Entry, number: number, citations: readonly Citation[]): void;
  goOn(entry: Entry, answer: Answer): void; // after a failure, by its remedy
}

export function answerView(
  entry: Entry,
  asked: Asked,
  state: Cell<Answer>,
  actions: AnswerActions,
): HTMLElement {
  const head = h("header", { class: "answer-head" });
  const text = h("div", { class: "answer-text" });
  const foot = h("div", { class: "answer-foot" });
  const view = h("article", { class: "answer" }, head, text, foot);
  const tick = setInterval(() => waited(foot, state.value), 1000);
  drawn(
    () => {
      const answer = state.value;
      const isOver = ["done", "stopped", "failed"].includes(answer.phase);
      if (isOver) clearInterval(tick);
      fill(head, ...heading(asked, answer));
      fill(text, ...(isOver ? cited(entry, answer, actions) : [answer.text]));
      fill(foot, ...(isOver ? ended(entry, answer, actions) : [phase(answer)]));
      view.setAttribute("aria-busy", String(!isOver));
      view.classList.toggle("is-absent", isOver && answer.isAbsent);
    },
    state,
    language,
  );
  return view;
}

function heading(asked: Asked, answer: Answer): Child[] {
  const where = asked.place === "browser" ? backendOf(answer) : asked.place;
  return [
    h("h3", {}, asked.model),
    h("span", { class: `badge badge-${where}` }, say(`on_${where}`)),
    answer.isAbsent && h("span", { class: "badge badge-absent" }, say("not_in_documents")),
  ];
}

function backendOf(answer: Answer): "webgpu" | "wasm" {
  return answer.backend === "webgpu" ? "webgpu" : "wasm";
}

function phase(answer: Answer): HTMLElement {
  return h(
    "p",
    { class: "phase" },
    h("span", { class: "spinner", "aria-hidden": "true" }),
    say(`phase_${answer.phase as "queued" | "reading" | "writing"}`),
    h("span", { class: "waited" }),
  );
}

function waited(foot: HTMLElement, answer: Answer): void {
  const shown = foot.querySelector(".waited");
  const ms = performance.now() - answer.startedMs;
  if (shown && answer.phase === "reading" && ms >= 1000) shown.textContent = ` ${seconds(ms)}`;
}

/** The text with a chip behind each sentence that a passage backs. */
function cited(entry: Entry, answer: Answer, actions: AnswerActions): Child[] {
  const marks = /\s*\[(\d{1,2})\]/g;
  const children: Child[] = [];
  let end = 0;
  for (const mark of answer.text.matchAll(marks)) {
    const number = Number(mark[1]);
    if (number < 1 || number > entry.context.hits.length) continue;
    const before = answer.text.slice(end, mark.index);
    const word = /\S{0,24}$/.exec(before)![0];
    end = mark.index + mark[0].length;
    const stop = /^[.,;:!?…]*/.exec(answer.text.slice(end))![0];
    end += stop.length;
    const chip = chipView(entry, answer, number, actions);
    // No line ends between a word, its chip and the full stop.
    const tied = h("span", { class: "tied" }, word, chip, stop);
    children.push(before.slice(0, before.length - word.length), tied);
  }
  return [...children, answer.text.slice(end)];
}

function chipView(entry: Entry, answer: Answer, number: number, actions: AnswerActions): HTMLElement {
  const mine = answer.citations.filter((one) => one.number === number);
  const hit = entry.context.hits[number - 1];
  const isBacked = mine.some((one) => one.supported);
  const name = say("open_passage", { number, document: hit?.chunk.documentName ?? "" });
  return h(
    "button",
    {
      type: "button",
      class: isBacked || !mine.length ? "chip" : "chip chip-unbacked",
      "aria-label": isBacked || !mine.length ? name : `${name} (${say("not_backed")})`,
      onclick: () => actions.openPassage(entry, number, mine),
    },
    String(number),
  );
}

function ended(entry: Entry, answer: Answer, actions: AnswerActions): Child[] {
  const { problem, reply } = answer;
  return [
    problem && h("p", { class: "problem" }, told(problem)),
    problem?.remedy &&
      h(
        "button",
        { type: "button", class: "button", onclick: () => actions.goOn(entry, answer) },
        say(`remedy_${problem.remedy}`),
      ),
    answer.phase === "stopped" && h("p", { class: "muted" }, say(answer.isLoop ? "looped" : "stopped")),
    reply?.finishReason === "length" && h("p", { class: "muted" }, say("cut_off")),
    sources(entry, answer, actions),
    reply && h("p", { class: "figures" }, figures(answer)),
  ];
}

function sources(entry: Entry, answer: Answer, actions: AnswerActions): HTMLElement | null {
  if (!answer.text) return null;
  const numbers = answer.isAbsent
    ? entry.context.hits.map((_, index) => index + 1)
    : [...new Set(answer.citations.filter((one) => one.supported).map((one) => one.number))];
  if (!numbers.length) return answer.isAbsent ? null : h("p", { class: "muted" }, say("no_source"));
  return h(
    "div",
    { class: "sources" },
    h("span", { class: "muted" }, say(answer.isAbsent ? "nearest" : "sources")),
    ...numbers.map((number) => source(entry, answer, number, actions)),
  );
}

function source(entry: Entry, answer: Answer, number: number, actions: AnswerActions): HTMLElement {
  const chunk = entry.context.hits[number - 1]!.chunk;
  const mine = answer.citations.filter((one) => one.number === number);
  return h(
    "button",
    { type: "button", class: "source", onclick: () => actions.openPassage(entry, number, mine) },
    h("span", { class: "chip", "aria-hidden": "true" }, String(number)),
    h("span", { class: "source-name" }, chunk.documentName),
    h("span", { class: "muted" }, say("page_number", { page: chunk.page })),
  );
}

function figures({ reply, backend }: Answer): string {
  if (!reply) return "";
  const { generateMs, completionTokens: written, dispatches } = reply;
  const rate = generateMs && written && written > 1 ? (1000 * (written - 1)) / generateMs : null;
  const parts = [
    reply.firstTokenMs !== null && say("figure_first", { took: seconds(reply.firstTokenMs) }),
    rate !== null && say("figure_speed", { speed: speed(rate) }),
    reply.promptTokens !== null && say("figure_prompt", { tokens: figure(reply.promptTokens) }),
    !!reply.cachedTokens && say("figure_cached", { tokens: figure(reply.cachedTokens) }),
    backend !== "server" && dispatches !== null && say("figure_dispatches", { count: figure(dispatches) }),
  ];
  return parts.filter(Boolean).join(" · ");
}

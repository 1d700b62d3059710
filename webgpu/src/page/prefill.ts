// Lets the model read the passages while the question is still being typed.

import type { Asking } from "./asking";
import type { Grounding } from "./grounding";
import type { Models } from "./models";
import type { Places } from "./places";

const PAUSE_MS = 350; // of typing, before the passages are looked at
const FEWEST_LETTERS = 6;

/** Reads ahead once two pauses in a row found the same passages: earlier ones may still change. */
export function readAhead(
  input: HTMLTextAreaElement,
  grounding: Grounding,
  models: Models,
  places: Places,
  asking: Asking,
): void {
  let timer = 0;
  let found = "";
  let read = "";

  const look = () => {
    const question = input.value.trim();
    const { engine } = models;
    const isWanted = places.chosen.value === "browser" || places.chosen.value === "all";
    if (!engine || !models.ready || !isWanted || asking.isBusy.value) return;
    if (question.length < FEWEST_LETTERS) return;
    const { context, messages } = grounding.find(question, asking.history);
    const isStable = context.text === found;
    found = context.text;
    if (!found || found === read) return;
    if (!isStable) return wait(); // nothing is typed meanwhile: then they are stable
    read = found;
    // What it cannot do now, the answer will report.
    engine.prefill(messages).catch(() => (read = ""));
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS) as unknown as number;
  };
  input.addEventListener("input", wait);
  models.state.watch((state) => {
    if (state.is !== "ready") read = "";
    else wait(); // a question typed while it was loading
  });
  asking.isBusy.watch(() => (read = ""));
}

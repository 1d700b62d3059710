// The box to ask in: where to ask, send and stop. Enter sends, Shift+Enter begins a new line.

import type { Asking } from "./asking";
import { drawn } from "./cell";
import { byId, fill, h } from "./dom";
import { keep, recall } from "./kept";
import type { Library } from "./library";
import type { Models } from "./models";
import { PLACES, type Place, type Places } from "./places";
import { problemOf, told } from "./problems";
import { NO_SERVER } from "./server";
import { language, say, type Key } from "./words";

const DRAFT = "webgpu-question"; // of this tab: a reload does not lose it, closing the tab does

export function showComposer(
  asking: Asking,
  library: Library,
  models: Models,
  places: Places,
  announce: (said: string) => void,
): void {
  const form = byId<HTMLFormElement>("composer");
  const input = byId<HTMLTextAreaElement>("question");
  const select = byId<HTMLSelectElement>("place");
  input.value = recall(DRAFT, () => sessionStorage) ?? "";
  input.addEventListener("input", () => keep(DRAFT, input.value, () => sessionStorage));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  addEventListener("keydown", (event) => {
    const isOpen = document.querySelector("dialog[open]") !== null;
    if (event.key === "Escape" && asking.isBusy.value && !isOpen) asking.stop();
  });
  byId("stop").addEventListener("click", () => asking.stop());
  select.addEventListener("focus", () => places.look()); // a model may be ready by now
  select.addEventListener("change", () => (places.chosen.value = select.value as Place));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const question = input.value.trim();
    const why = missing(question, asking, library, places);
    if (why) return tell(why, input);
    const asked = await places.asked();
    if (!asked.length) return; // it was not to be sent
    input.value = "";
    keep(DRAFT, "", () => sessionStorage);
    announce(say("announce_asked"));
    try {
      await asking.ask(question, asked);
      announce(say(lastAnnouncement(asking)));
    } catch (error) {
      input.value ||= question;
      fill(byId("composer-problem"), told(problemOf(error)));
    }
  });
  const draw = () => {
    drawPlaces(select, places);
    byId("stop").hidden = !asking.isBusy.value;
    byId("send").hidden = asking.isBusy.value;
    fill(byId("composer-note"), note(models, places));
  };
  drawn(draw, asking.isBusy, models.state, places.tiers, places.chosen, language);
  const forget = () => fill(byId("composer-problem"));
  library.documents.watch(forget);
  places.chosen.watch(forget);
  language.watch(forget);
  models.state.watch((state) => state.is === "ready" && forget());
}

function tell(why: Key | "", input: HTMLTextAreaElement): void {
  fill(byId("composer-problem"), why && say(why));
  input.focus();
}

function missing(question: string, asking: Asking, library: Library, places: Places): Key | null {
  if (asking.isBusy.value) return "missing_patience";
  if (!question) return "missing_question";
  if (!library.documents.value.length) return "missing_documents";
  if (!places.canBe(places.chosen.value))
    return places.chosen.value === "browser" ? "missing_model" : "missing_server";
  return null;
}

function lastAnnouncement(asking: Asking): Key {
  const phases = asking.entries.value.at(-1)?.answers.map(({ state }) => state.value.phase) ?? [];
  if (phases.includes("failed")) return "announce_failed";
  return phases.includes("stopped") ? "stopped" : "announce_answered";
}

function drawPlaces(select: HTMLSelectElement, places: Places): void {
  fill(
    select,
    ...PLACES.map((place) => {
      const model = place === "slm" || place === "llm" ? places.tiers.value[place]?.model : "";
      const name = say(`place_${place}`);
      return h(
        "option",
        { value: place, disabled: place !== "browser" && !places.canBe(place) },
        model ? `${name}: ${model}` : name,
      );
    }),
  );
  select.value = places.chosen.value;
}

/** One line about where the words go. */
function note(models: Models, places: Places): string {
  const { chosen, tiers } = places;
  if (chosen.value === "browser") {
    const { slm, llm } = tiers.value;
    const why = [slm, llm].find((tier) => tier && !tier.ready)?.note;
    if (models.ready === null) return say("note_no_model");
    return tiers.value === NO_SERVER ? say("note_no_server") : why ? say("note_not_ready", { why }) : say("note_stays");
  }
  const names = chosen.value === "all" ? (["slm", "llm"] as const) : [chosen.value];
  const farthest = names.map((one) => tiers.value[one]?.reach);
  if (farthest.includes("cloud")) return say("note_cloud");
  return farthest.includes("network") ? say("note_network") : say("note_server");
}

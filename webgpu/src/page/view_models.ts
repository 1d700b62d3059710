// The models this browser can run: what each takes and needs, which are stored, how far a download is.

import type { Model, StoredModel } from "../types";
import { Cell, drawn } from "./cell";
import { byId, fill, h, type Child } from "./dom";
import { nameOf, type Models, type ModelState } from "./models";
import { told } from "./problems";
import { language, percent, say, size } from "./words";

export function showModels(models: Models, announce: (said: string) => void): void {
  let before: ModelState["is"] = "none";
  models.state.watch((state) => {
    if (state.is !== before && state.is === "ready") {
      announce(say("model_ready", { model: nameOf(state.model) }));
      byId<HTMLDetailsElement>("other-models").open = false;
    }
    if (state.is !== before && state.is === "failed") announce(told(state.problem));
    before = state.is;
  });
  drawn(() => drawState(models), models.state, language);
  // How far a download is does not concern the list: drawn anew, it would close what was opened.
  const current = new Cell("");
  models.state.watch((state) => {
    const name = state.is === "none" ? "none" : `${state.is} ${state.model.name}`;
    if (name !== current.value) current.value = name;
  });
  drawn(() => drawList(models), models.offered, models.stored, models.device, current, language);
}

/** One line about the model in use; while it comes, how far it is. The bar is kept, so that it can move. */
function drawState(models: Models): void {
  const state = models.state.value;
  const place = byId("model-state");
  const bar = place.querySelector("progress");
  if (bar && place.dataset["is"] === state.is && (state.is === "downloading" || state.is === "loading")) {
    bar.value = shareOf(state);
    place.querySelector(".progress-text")!.textContent = progressText(state);
    return;
  }
  place.dataset["is"] = state.is;
  fill(place, ...stateView(models, state));
}

function stateView(models: Models, state: ModelState): Child[] {
  if (state.is === "none") return [h("p", { class: "muted" }, say("model_none"))];
  const title = h("p", { class: "name" }, nameOf(state.model));
  if (state.is === "ready") return [title, h("p", { class: "good" }, say("model_is_ready"))];
  if (state.is === "failed") {
    const other = state.problem.remedy === "cpu" ? models.withoutGpu() : state.model;
    return [
      title,
      h("p", { class: "problem" }, told(state.problem)),
      state.problem.remedy &&
        other &&
        h("button", { type: "button", class: "button", onclick: () => models.use(other) }, say(`remedy_${state.problem.remedy}`)),
    ];
  }
  return [
    title,
    h("progress", { max: 1, value: shareOf(state), "aria-label": say(`progress_${state.is}`) }),
    h("p", { class: "muted progress-text" }, progressText(state)),
    state.is === "downloading" &&
      h("button", { type: "button", class: "button", onclick: () => models.cancel() }, say("cancel")),
  ];
}

function shareOf(state: ModelState): number {
  if (state.is === "downloading") return state.total ? state.done / state.total : 0;
  return state.is === "loading" ? state.share : 1;
}

function progressText(state: ModelState): string {
  if (state.is === "downloading")
    return say(`stage_${state.stage}`, {
      done: size(state.done),
      total: size(state.total),
      percent: percent(shareOf(state)), // the server prepares in steps, which are no bytes
    });
  return say("loading_model", { percent: percent(shareOf(state)) });
}

function drawList(models: Models): void {
  const known = models.offered.value;
  const isHere = (model: Model) => models.stored.value.some((one) => one.name === model.name);
  const isFit = (model: Model) => models.device.value === null || models.lacks(model).length === 0;
  const fit = known.filter(isFit).sort((one, other) => Number(isHere(other)) - Number(isHere(one)));
  const unfit = known.filter((model) => !isFit(model));
  const foreign = models.stored.value.filter((one) => known.every((model) => model.name !== one.name));
  fill(byId("models"), ...fit.map((model) => modelView(models, model)), ...foreign.map((one) => foreignView(models, one)));
  fill(byId("models-unfit"), ...unfit.map((model) => modelView(models, model)));
  const box = byId("unfit");
  box.hidden = unfit.length === 0;
  fill(box.querySelector("summary")!, say("models_unfit", { count: unfit.length }));
}

/** Of an earlier version of the page: no longer offered, but it still takes room. */
function foreignView(models: Models, stored: StoredModel): HTMLElement {
  return h(
    "li",
    { class: "model" },
    h("p", { class: "name" }, stored.name),
    h(
      "div",
      { class: "model-head" },
      h("p", { class: "good" }, say("stored", { size: size(stored.sizeBytes) })),
      removeButton(models, stored.name, stored.name),
    ),
  );
}

function modelView(models: Models, model: Model): HTMLElement {
  const total = model.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const stored = models.stored.value.find((one) => one.name === model.name);
  const lacks = models.device.value ? models.lacks(model).slice(0, 1) : []; // the rest follows
  const { is } = models.state.value;
  const isCurrent = is !== "none" && models.state.value.model.name === model.name;
  const isBusy = is === "downloading" || is === "loading";
  const label = stored?.isComplete ? "use" : stored ? "resume" : "download";
  const isUsable = lacks.length === 0 && !(isCurrent && is !== "failed");
  return h(
    "li",
    { class: isCurrent ? "model is-current" : "model" },
    h(
      "div",
      { class: "model-head" },
      h("p", { class: "name" }, nameOf(model)),
      isUsable &&
        h(
          "button",
          {
            type: "button",
            class: "button",
            disabled: isBusy,
            "aria-label": `${say(label)}: ${nameOf(model)}`,
            onclick: () => models.use(model),
          },
          say(label),
        ),
    ),
    h(
      "p",
      { class: "muted" },
      [size(total), model.licence, say("memory", { size: size(model.memoryBytes) })].join(" · "),
    ),
    ...lacks.map((need) => h("p", { class: "problem" }, say(need === "webgpu" ? "lacks_webgpu" : "lacks_f16"))),
    stored &&
      h(
        "div",
        { class: "model-head" },
        h("p", { class: "good" }, storedText(stored, total)),
        removeButton(models, model.name, nameOf(model)),
      ),
    h(
      "details",
      { class: "hashes" },
      h("summary", {}, `${say(model.needs.includes("webgpu") ? "for_gpu" : "for_cpu")} · ${say("files_and_hashes")}`),
      h("ul", {}, ...model.files.map((file) =>
        h("li", {}, h("span", {}, `${file.path} · ${size(file.sizeBytes)}`), h("code", {}, file.sha256)))),
    ),
  );
}

function storedText(stored: { sizeBytes: number; isComplete: boolean }, total: number): string {
  return stored.isComplete
    ? say("stored", { size: size(stored.sizeBytes) })
    : say("stored_part", { done: size(stored.sizeBytes), total: size(total) });
}

function removeButton(models: Models, name: string, title: string): HTMLElement {
  return h(
    "button",
    {
      type: "button",
      class: "button button-quiet",
      "aria-label": `${say("delete")}: ${title}`,
      onclick: () => models.remove(name),
    },
    say("delete"),
  );
}

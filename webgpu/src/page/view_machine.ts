// What the model runs on, as the browser shows it and as the last answer proved it; and the one
// button that measures it.

import type { Device } from "../types";
import type { Asking } from "./asking";
import { drawn } from "./cell";
import { byId, fill, h, type Child } from "./dom";
import { measure, named, report } from "./measure";
import type { Models } from "./models";
import { isAbort, problemOf, told } from "./problems";
import { figure, language, say, size } from "./words";

// What decides whether a model fits; the text to copy has all of them.
const LIMITS = [
  ["maxBufferSize", "limit_buffer"],
  ["maxStorageBufferBindingSize", "limit_binding"],
] as const;

export function showMachine(models: Models, asking: Asking): void {
  drawn(() => draw(models, asking), models.device, models.state, asking.isBusy, language);
  const button = byId<HTMLButtonElement>("measure");
  const text = byId("measured");
  let abort: AbortController | null = null;
  drawn(
    () => {
      button.disabled = !abort && (models.ready === null || asking.isBusy.value);
      button.textContent = say(abort ? "cancel" : "measure");
    },
    models.state,
    asking.isBusy,
    language,
  );
  button.addEventListener("click", async () => {
    const { ready: model, engine } = models;
    if (abort) return abort.abort();
    if (model === null || engine === null) return;
    abort = new AbortController();
    asking.isBusy.value = true;
    const status = byId("measure-status");
    try {
      const onRound = (round: number, rounds: number) =>
        fill(status, say("measuring", { round, rounds }));
      fill(status, say("loading_again"));
      const measured = await measure(engine, model, onRound, abort.signal);
      text.textContent = report(measured, model, models.device.value!);
      byId("measured-box").hidden = false;
      fill(status, say(abort.signal.aborted ? "stopped" : "measured"));
    } catch (error) {
      fill(status, isAbort(error) ? say("stopped") : told(problemOf(error)));
    } finally {
      abort = null;
      asking.isBusy.value = false;
    }
  });
  byId("copy-measured").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent ?? "");
      fill(byId("measure-status"), say("copied"));
    } catch {
      getSelection()?.selectAllChildren(text); // the browser forbids it: the person copies it
    }
  });
}

function draw(models: Models, asking: Asking): void {
  const device = models.device.value;
  if (!device) return fill(byId("machine"), h("p", { class: "muted" }, say("looking_at_machine")));
  const { adapter } = device;
  fill(
    byId("machine"),
    h("p", { class: "name" }, headline(models, asking)),
    h(
      "dl",
      { class: "facts" },
      ...fact(say("proof"), proof(asking)),
      ...fact(say("gpu"), adapter ? named(adapter) : say("gpu_none")),
      ...fact(say("threads"), device.hasThreads ? figure(device.threads) : say("threads_none")),
      ...(adapter ? LIMITS.flatMap(([name, key]) => limit(key, adapter.limits[name])) : []),
      ...(adapter ? fact("shader-f16", say(adapter.features.includes("shader-f16") ? "yes" : "no")) : []),
    ),
    ...warnings(device).map((text) => h("p", { class: "muted" }, text)),
  );
}

function fact(name: string, value: string): Child[] {
  return [h("dt", {}, name), h("dd", {}, value)];
}

function limit(key: (typeof LIMITS)[number][1], bytes: number | undefined): Child[] {
  return bytes === undefined ? [] : fact(say(key), size(bytes));
}

function warnings(device: Device): string[] {
  return [
    device.adapter === null && say("problem_no_adapter"),
    device.adapter?.isFallback && say("problem_software_adapter"),
    !device.hasThreads && say("problem_no_threads"),
    !device.hasSimd && say("problem_no_simd"),
  ].filter((one): one is string => typeof one === "string");
}

/** What the last answer was really computed on; before there is one, what it is expected to be. */
function headline(models: Models, asking: Asking): string {
  const last = lastHere(asking);
  if (last) return say(last.backend === "webgpu" ? "runs_webgpu" : "runs_wasm");
  const model = models.ready;
  if (!model) return say("runs_nothing");
  return say(model.needs.includes("webgpu") ? "will_run_webgpu" : "will_run_wasm");
}

function proof(asking: Asking): string {
  const last = lastHere(asking);
  if (!last) return say("proof_none");
  const dispatches = last.reply?.dispatches ?? null;
  return dispatches === null ? say("proof_cpu") : say("proof_dispatches", { count: figure(dispatches) });
}

function lastHere(asking: Asking) {
  const answers = asking.entries.value.flatMap((entry) => entry.answers);
  return answers
    .filter(({ asked, state }) => asked.place === "browser" && state.value.reply !== null)
    .at(-1)?.state.value;
}

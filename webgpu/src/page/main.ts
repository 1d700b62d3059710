// The page: its parts are made here, handed to one another, and shown.

import { probeDevice } from "../engine/device";
import { WorkerEngine } from "../engine/client";
import { fetchModels } from "../models/list";
import { BrowserStore } from "../models/store";
import { startOffline } from "../privacy/offline";
import { watchRequests } from "../privacy/requests";
import { Asking, type Answer, type Entry } from "./asking";
import { byId } from "./dom";
import { Grounding } from "./grounding";
import { Library } from "./library";
import { Models } from "./models";
import { Places } from "./places";
import { readAhead } from "./prefill";
import { NO_SERVER } from "./server";
import { followTheme } from "./theme";
import { showChart } from "./view_chart";
import { showComposer } from "./view_composer";
import { showConversation } from "./view_conversation";
import { showDocuments } from "./view_documents";
import { announce, askConsent, showFrame, showUpdate } from "./view_frame";
import { showMachine } from "./view_machine";
import { showModels } from "./view_models";
import { requests, showPrivacy, worksOffline } from "./view_privacy";

watchRequests((counts) => (requests.value = counts)); // first of all, so that none is missed

const library = new Library();
const models = new Models(new BrowserStore(), () => new WorkerEngine());
const places = new Places(models, askConsent);
const grounding = new Grounding(library, models);
const asking = new Asking(grounding);

show();
start();

function show(): void {
  followTheme();
  showFrame();
  showChart();
  showModels(models, announce);
  showDocuments(library, announce);
  showConversation(asking, library, goOn);
  showComposer(asking, library, models, places, announce);
  showMachine(models, asking);
  showPrivacy();
  readAhead(byId<HTMLTextAreaElement>("question"), grounding, models, places, asking);
}

function start(): void {
  probeDevice().then((device) => (models.device.value = device));
  places.look().then(() => {
    byId("to-chat").hidden = places.tiers.value === NO_SERVER; // no chat stands above a static host
  });
  offerModels();
  startOffline({
    onUpdate: () => showUpdate(() => location.reload()),
    mayReload: () => library.documents.value.length === 0 && models.state.value.is === "none",
  }).then(() => (worksOffline.value = true), () => undefined);
}

/** The list of models, and what is stored of them; the last one used is loaded again. */
async function offerModels(): Promise<void> {
  try {
    models.offered.value = await fetchModels();
  } catch {
    byId("models-none").hidden = false;
  }
  await models.look().catch(() => undefined); // no storage: said when a model is to be fetched
  const last = models.remembered();
  if (last && models.state.value.is === "none") await models.use(last);
}

/** After a failure: with another model, or with the same one started anew; the question is kept. */
async function goOn(entry: Entry, answer: Answer): Promise<void> {
  if (asking.isBusy.value) return;
  const isHere = answer.backend !== "server";
  const wanted = answer.problem?.remedy === "cpu" ? models.withoutGpu() : models.latest;
  if (isHere && wanted) await models.use(wanted);
  const asked = await places.asked();
  if (asked.length && (!isHere || models.ready)) await asking.ask(entry.question, asked);
}

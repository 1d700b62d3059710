// What the tests import from the built page: its parts, without the page around them.

export { StoreError } from "./models/errors.js";
export { fetchModels, modelsIn } from "./models/list.js";
export { BrowserStore } from "./models/store.js";
export { startOffline } from "./privacy/offline.js";
export { startWorker, watchRequests } from "./privacy/requests.js";
export { resolve, withoutMarks } from "./answering/citations.js";
export { background, earlier, leans } from "./answering/conversation.js";
export { pack } from "./answering/context.js";
export { asksForOverview, found } from "./answering/finding.js";
export { fit, share } from "./answering/fitting.js";
export { messages, recent } from "./answering/prompt.js";
export { refuses } from "./answering/refusals.js";
export { sentenceSpans } from "./answering/sentences.js";
export { chunk } from "./documents/chunking.js";
export { clean } from "./documents/cleaning.js";
export { headings } from "./documents/headings.js";
export { asSeen } from "./documents/plain.js";
export { readFile, readText, silentPages } from "./documents/readers.js";
export { queryTerms, spans, terms } from "./retrieval/analysis.js";
export { idf, keptLength } from "./retrieval/bm25.js";
export { counted, Index } from "./retrieval/index.js";
export { detect } from "./retrieval/language.js";
export { estimateTokens } from "./retrieval/tokens.js";
export { WorkerEngine } from "./engine/client.js";
export { probeDevice } from "./engine/device.js";

// "Measure this machine": the model in use reads and writes a fixed text a few times, and what it
// took is told as text to pass on. For graphics cards that nobody of us could try.

import type { Device, Engine, Message, Model, Reply } from "../types";

declare const VERSIONS: string; // of the engines, written in by the build

const ROUNDS = 3;
const OPTIONS = { maxTokens: 48, temperature: 0 };
const SENTENCE =
  "The pump on the upper deck is checked every 14 days, and its filter is changed in March. ";

export interface Measured {
  readonly loadMs: number;
  readonly replies: readonly Reply[]; // the first one cold; each reads a text of its own
}

/** Loads the model anew, so that the first round is as cold as on a first visit. */
export async function measure(
  engine: Engine,
  model: Model,
  onRound: (round: number, rounds: number) => void,
  signal: AbortSignal,
): Promise<Measured> {
  const started = performance.now();
  await engine.load(model, () => undefined);
  const loadMs = performance.now() - started;
  const replies: Reply[] = [];
  for (let round = 1; round <= ROUNDS && !signal.aborted; round += 1) {
    onRound(round, ROUNDS);
    replies.push(await engine.generate(prompt(round), OPTIONS, () => undefined, signal));
  }
  return { loadMs, replies };
}

/** English whatever the page's language: it is read by those who mend this program. */
export function report(measured: Measured, model: Model, device: Device): string {
  const { adapter } = device;
  return [
    `Edge RAG Chat, in the browser (${VERSIONS})`,
    `date: ${new Date().toISOString()}`,
    `browser: ${navigator.userAgent}`,
    `model: ${model.name}, ${model.dtype}, ${model.engine}`,
    adapter
      ? `adapter: ${named(adapter)}${adapter.isFallback ? " (software)" : ""}`
      : "adapter: none",
    `features: ${adapter?.features.join(", ") || "none"}`,
    `limits: ${Object.entries(adapter?.limits ?? {}).map(([name, value]) => `${name} ${value}`).join(", ") || "none"}`,
    `threads: ${device.threads}, shared memory: ${device.hasThreads}, SIMD: ${device.hasSimd}`,
    `load: ${Math.round(measured.loadMs)} ms`,
    "round  computed on  first token ms  prompt tokens  prefill tokens/s  decode tokens/s  dispatches",
    ...measured.replies.map((reply, index) => row(reply, index + 1)),
  ].join("\n");
}

export function named(adapter: NonNullable<Device["adapter"]>): string {
  const { vendor, architecture, description } = adapter;
  return [vendor, architecture, description].filter(Boolean).join(" ") || "unnamed";
}

// Each round begins differently, so that no round finds its prompt already read.
function prompt(round: number): readonly Message[] {
  const content = `Text ${round}. ${SENTENCE.repeat(8)}\n\nRepeat this text.`;
  return [{ role: "user", content }];
}

function row(reply: Reply, round: number): string {
  const { firstTokenMs, generateMs, promptTokens, cachedTokens, completionTokens: written } = reply;
  const read = promptTokens === null ? null : promptTokens - (cachedTokens ?? 0);
  return [
    [String(round), 5],
    [reply.backend, 11],
    [rounded(firstTokenMs), 14],
    [rounded(promptTokens), 13],
    [rounded(firstTokenMs && read !== null ? (1000 * read) / firstTokenMs : null, 1), 16],
    [rounded(generateMs && written !== null ? (1000 * (written - 1)) / generateMs : null, 2), 15],
    [rounded(reply.dispatches), 10],
  ]
    .map(([text, width]) => String(text).padStart(Number(width)))
    .join("  ");
}

function rounded(value: number | null, digits = 0): string {
  return value === null ? "unknown" : value.toFixed(digits);
}

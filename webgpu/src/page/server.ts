// The models of the server that this page came from, asked with the same prompt. A static host has
// none. Addresses are relative, so that the page works below any path.

import type { GenerateOptions, Message, Reply } from "../types";

export type TierName = "slm" | "llm";
export type Reach = "machine" | "network" | "cloud"; // how far a prompt travels, seen from the person

export interface Tier {
  readonly model: string;
  readonly reach: Reach;
  readonly ready: boolean;
  readonly note: string; // why not, as the server says it
}

export type Tiers = Readonly<Record<TierName, Tier | null>>;
export const NO_SERVER: Tiers = { slm: null, llm: null };

/** What a server refused or broke off with, in its own words. */
export class ServerError extends Error {}

/** Both null when no server of ours answers, as on a static host or offline. */
export async function tiers(): Promise<Tiers> {
  try {
    const response = await fetch("tiers");
    if (!response.ok) return NO_SERVER;
    const found = (await response.json()) as Partial<Record<TierName, Tier | null>>;
    return { slm: seenFromHere(found.slm), llm: seenFromHere(found.llm) };
  } catch {
    return NO_SERVER;
  }
}

/** Streams one answer; an abort gives what was written so far. Throws ServerError. The person has
 * agreed that it goes where the model is: the server refuses a model elsewhere without being told. */
export async function generate(
  tier: TierName,
  reach: Reach,
  messages: readonly Message[],
  options: GenerateOptions,
  onToken: (text: string) => void,
  signal: AbortSignal,
): Promise<Omit<Reply, "backend">> {
  const started = performance.now();
  let text = "";
  let first: number | null = null;
  let finish: Reply["finishReason"] = "stop";
  let usage: Usage | null = null;
  try {
    for await (const chunk of chunks(await post(tier, reach, messages, options, signal))) {
      if (chunk.error) throw new ServerError(chunk.error.message);
      const choice = chunk.choices?.[0];
      const piece = choice?.delta?.content ?? "";
      if (piece) first ??= performance.now();
      if (choice?.finish_reason === "length") finish = "length";
      usage = chunk.usage ?? usage;
      text += piece;
      if (piece) onToken(piece);
    }
  } catch (error) {
    if (!signal.aborted) throw error instanceof TypeError ? new ServerError("") : error;
    finish = "cancelled";
  }
  return {
    text,
    finishReason: finish,
    promptTokens: usage?.prompt_tokens ?? null,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? null,
    completionTokens: usage?.completion_tokens ?? null,
    firstTokenMs: first === null ? null : first - started,
    generateMs: first === null ? null : performance.now() - first,
    dispatches: null,
  };
}

interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number };
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: Usage | null;
  readonly error?: { readonly message: string };
}

// A page opened from another machine sends its prompt over the network, wherever the model then runs.
function seenFromHere(tier: Tier | null | undefined): Tier | null {
  if (!tier) return null;
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname);
  return tier.reach === "machine" && !isHere ? { ...tier, reach: "network" } : tier;
}

async function post(
  tier: TierName,
  reach: Reach,
  messages: readonly Message[],
  options: GenerateOptions,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const response = await fetch("answer", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      tier,
      messages,
      max_tokens: options.maxTokens,
      temperature: options.temperature,
      allow_remote: reach !== "machine",
    }),
    signal,
  });
  if (response.ok && response.body) return response.body;
  throw new ServerError(await reason(response));
}

async function reason(response: Response): Promise<string> {
  try {
    const said = (await response.json()) as Chunk & { readonly detail?: string };
    return said.error?.message ?? said.detail ?? "";
  } catch {
    return "";
  }
}

async function* chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Chunk> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data: ") && line !== "data: [DONE]") yield JSON.parse(line.slice(6)) as Chunk;
    }
  }
}

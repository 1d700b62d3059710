// What can go wrong with an engine, as a code that the page turns into a sentence.

export type EngineCode =
  | "no-wasm" // the browser runs no WebAssembly, or not the kind that is needed
  | "no-webgpu" // the model runs on a GPU alone, and none is given
  | "out-of-memory"
  | "adapter-lost" // the GPU went away in the middle
  | "missing-file" // the model is not, or not completely, in the browser's storage
  | "bad-model" // its file cannot be read
  | "context-full" // the prompt is longer than the model's context
  | "not-loaded"
  | "worker-died"
  | "failed"; // for another reason, which the message gives

export class EngineError extends Error {
  override readonly name = "EngineError";

  constructor(
    readonly code: EngineCode,
    message: string, // for the log, in the engine's own words
  ) {
    super(message);
  }
}

// After one of these, a worker is of no use any more.
export const FATAL: ReadonlySet<EngineCode> = new Set(["adapter-lost", "out-of-memory", "worker-died"]);

const SIGNS: readonly (readonly [EngineCode, RegExp])[] = [
  ["adapter-lost", /device (is|was) lost|device lost|lost device|DXGI_ERROR_DEVICE|external Instance reference/i],
  ["out-of-memory", /out of memory|bad_alloc|allocation failed|cannot enlarge memory|failed to allocate|could not allocate|array buffer allocation/i],
  ["context-full", /exceeds the available context|context size has been exceeded/i],
  ["no-wasm", /WebAssembly is not (defined|supported)|no available backend found|Content Security Policy/i],
];

// What an engine threw, by what it says; `otherwise` when it says nothing that is known here.
export function asEngineError(thrown: unknown, otherwise: EngineCode): EngineError {
  if (thrown instanceof EngineError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = SIGNS.find(([, sign]) => sign.test(message))?.[0] ?? otherwise;
  return new EngineError(code, message);
}

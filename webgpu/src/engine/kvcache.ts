// The keys and values of the tokens that a model has read, which the next prompt need not read
// again as far as it begins alike.

import { DynamicCache, Tensor } from "@huggingface/transformers";

const POSITIONS = 2; // the axis of [batch, heads, positions, size]

export class KeyValueCache {
  #tokens: number[] = [];
  tensors: DynamicCache | null = null;

  get length(): number {
    return this.#tokens.length;
  }

  // Cuts what is kept down to the beginning that `prompt` shares, and returns its length. The last
  // token of a prompt is always read anew: what follows it is not kept.
  async keep(prompt: readonly number[]): Promise<number> {
    let same = 0;
    while (same < this.length && same < prompt.length - 1 && this.#tokens[same] === prompt[same]) {
      same += 1;
    }
    if (same < this.length) await this.#cut(same);
    return same;
  }

  // What a model gave back after it had read `tokens`.
  take(tokens: readonly number[], outputs: Record<string, Tensor>): void {
    const present = Object.entries(outputs)
      .filter(([name]) => name.startsWith("present."))
      .map(([name, tensor]) => [name.replace("present", "past_key_values"), tensor] as const);
    this.tensors ??= new DynamicCache();
    this.tensors.update(Object.fromEntries(present));
    this.#tokens.push(...tokens);
  }

  async #cut(length: number): Promise<void> {
    const whole = this.tensors;
    this.#tokens.length = length;
    this.tensors = null;
    if (whole === null || length === 0) {
      await whole?.dispose();
      return;
    }
    const cut: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(whole) as [string, Tensor][]) {
      cut[name] = await shortened(tensor, length);
    }
    await whole.dispose();
    this.tensors = new DynamicCache(cut);
  }
}

// From the GPU, if it is there, to memory; the next run takes it back.
async function shortened(tensor: Tensor, length: number): Promise<Tensor> {
  const values = await tensor.ort_tensor.getData();
  const all = new Tensor(tensor.type, values as never, [...tensor.dims]);
  return all.slice(...tensor.dims.map((_, axis) => (axis === POSITIONS ? [0, length] : null)));
}

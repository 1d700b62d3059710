// Logits in, the next token out.

// `temperature` 0: the most likely one. `random` lies in [0, 1).
export function nextToken(logits: Float32Array, temperature: number, random: number): number {
  let best = 0;
  for (let token = 1; token < logits.length; token += 1) {
    if (logits[token]! > logits[best]!) best = token;
  }
  if (temperature <= 0) return best;
  const highest = logits[best]!;
  const weights = logits.map((logit) => Math.exp((logit - highest) / temperature));
  let left = random * weights.reduce((sum, weight) => sum + weight, 0);
  for (let token = 0; token < weights.length; token += 1) {
    left -= weights[token]!;
    if (left < 0) return token;
  }
  return best;
}

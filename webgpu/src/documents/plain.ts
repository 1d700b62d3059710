// Markdown without what nobody sees who reads it rendered, but for what stands in code: a comment
// could tell a model what it hides from a person. As rag/documents/plain.py.

const FENCE = /^[^\S\n]*(```|~~~).*\n?/gm;
const ANCHOR = /<a\s+(?:id|name)=["'][^"'<>]*["']\s*(?:\/>|>\s*<\/a>)/g;
const BREAK = /<br\s*\/?>/gi;

export function asSeen(text: string): string {
  const parts: string[] = [];
  let at = 0;
  let fence = "";
  for (const found of text.matchAll(FENCE)) {
    if (fence && found[1] !== fence) continue;
    const part = text.slice(at, found.index);
    parts.push(fence ? part : rendered(part), found[0]);
    at = found.index + found[0].length;
    fence = fence ? "" : found[1]!;
  }
  const rest = text.slice(at);
  return [...parts, fence ? rest : rendered(rest)].join("");
}

function rendered(text: string): string {
  return uncommented(text).replace(ANCHOR, "").replace(BREAK, " ");
}

/** In one pass: a pattern would look for the end of each comment that has none. */
function uncommented(text: string): string {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const start = text.indexOf("<!--", at);
    const end = start < 0 ? -1 : text.indexOf("-->", start + 4);
    if (end < 0) return [...parts, text.slice(at)].join("");
    parts.push(text.slice(at, start));
    at = end + 3;
  }
}

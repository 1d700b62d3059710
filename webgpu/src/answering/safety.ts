// Text that others wrote, made harmless: a document's on its way in, a model's on its way out. As
// rag/answering/safety.py: a document may not speak with the voice of the chat template, of our
// numbering or of our labels; an answer may not load anything from elsewhere.

import wording from "./wording.json";

const UNSEEN = new RegExp(wording.unseen, "gu"); // read but not seen: tags, overrides, controls
const CONTROL = new RegExp(wording.control, "giu"); // of chat templates: <|im_start|>, </s>, [INST]
const ANGLES: Readonly<Record<string, string>> = {
  "<": "‹", ">": "›", "[": "(", "]": ")", "|": "¦", "｜": "¦",
};
const MARKER = /\[(\s*\^?\p{Nd}[\p{Nd}\s,;–-]*)\]/gu;
const LABEL = /^([ \t#*>]*(?:passages|question|answer|întrebare|răspuns))[ \t]*:/gimu;
const BLANK_LINES = /[ \t]*\n\s*\n/g;

/** `text` without characters that a person does not see. */
function seen(text: string): string {
  return text.replace(UNSEEN, "");
}

/** `text` without unseen characters, in which no control token is left to be obeyed. */
export function defused(text: string): string {
  return seen(text).replace(CONTROL, (found) =>
    found.replace(/[<>[\]|｜]/g, (sign) => ANGLES[sign]!),
  );
}

/** Also without blank lines, labels and numbers in brackets, which are ours in a prompt. */
export function defusedPassage(text: string): string {
  const lines = defused(text).trim().replace(BLANK_LINES, "\n");
  return lines.replace(MARKER, "($1)").replace(LABEL, "$1 –");
}

const FENCE = /^ {0,3}(`{3,}|~{3,})[^\n`]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|(?![^]))/gms;
const SPAN = /(?<!`)(`+)(?!`)[^\n]*?[^`\n]\1(?!`)/g;
const IMAGE = /!(?=\[)/g;
const LINK = /\](?=\()/g;
const DEFINITION = /^([ \t>*+\-\d.)]*\[[^\]]*\])(?=:)/gm;
const TAG = /<(?=[a-z/!?])/gi;
const ADDRESS = /(?:[a-z][a-z0-9+.-]*:\/\/|\bwww\.)[^\s<>`()[\]]*[^\s<>`()[\].,;:!?]/gi;

/** A model's Markdown whose images, links and tags are mere text; code is left alone. */
export function inert(text: string): string {
  return outsideCode(outsideBlocks(seen(text), (part) => part.replace(IMAGE, "! ")), (part) =>
    part
      .replace(DEFINITION, "$1 ")
      .replace(LINK, "] ")
      .replace(ADDRESS, "`$&`")
      .replace(TAG, "< "),
  );
}

/** `text` with `change` made to all of it that Markdown does not show as code. */
export function outsideCode(text: string, change: (part: string) => string): string {
  return outsideBlocks(text, (part) => outside(SPAN, part, change));
}

/** `text` with `change` made to all but its fenced blocks of code. */
export function outsideBlocks(text: string, change: (part: string) => string): string {
  return outside(FENCE, text, change);
}

function outside(code: RegExp, text: string, change: (part: string) => string): string {
  const parts: string[] = [];
  let end = 0;
  for (const found of text.matchAll(code)) {
    parts.push(change(text.slice(end, found.index)), found[0]);
    end = found.index + found[0].length;
  }
  return [...parts, change(text.slice(end))].join("");
}

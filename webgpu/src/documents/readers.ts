// Files and pasted text into documents: bytes in, the cleaned text of each page out, in this browser.

import type { Document, Page } from "../types.js";
import { asSeen } from "./plain.js";
import { clean } from "./cleaning.js";
import { decode } from "./encodings.js";
import { DocumentError } from "./errors.js";
import { kindOf } from "./kinds.js";
import { openPdf } from "./pdf.js";

export const MOST_BYTES = 50_000_000; // of a file: it stands in memory more than once
export const MOST_CHARS = 10_000_000; // of a text

// What could not be read of a document, as a key of the page's messages.
export const NO_TEXT = "note_no_text"; // some pages have none: scanned
export const DAMAGED = "note_damaged"; // some pages could not be read

/** Throws DocumentError; `onPage` is told pages read, pages in all. */
export async function readFile(
  file: File,
  onPage: (done: number, total: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Document> {
  if (file.size > MOST_BYTES) throw tooLarge(MOST_BYTES);
  const bytes = await bytesOf(file);
  if (!bytes.length) throw new DocumentError("document-empty");
  const mediaType = kindOf(bytes, file.name);
  const id = await sha256(bytes);
  const texts =
    mediaType === "application/pdf"
      ? await pdfTexts(bytes, onPage, signal)
      : [plainText(decode(bytes), mediaType)];
  return assembled(id, file.name, mediaType, texts);
}

/** A text that was pasted, as a document of one page. Throws DocumentError. */
export async function readText(text: string, name: string): Promise<Document> {
  const id = await sha256(new TextEncoder().encode(text));
  return assembled(id, name, "text/markdown", [plainText(text, "text/markdown")]);
}

/** The pages without text, as "3, 7–9"; "" when all have some. */
export function silentPages(document: Document): string {
  const runs: [number, number][] = [];
  for (const { number, text } of document.pages) {
    const run = runs.at(-1);
    if (says(text)) continue;
    if (run && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
}

function plainText(text: string, mediaType: string): string {
  const isMarkdown = mediaType === "text/markdown";
  const cleaned = clean(isMarkdown ? asSeen(text) : text, !isMarkdown);
  if (cleaned.length > MOST_CHARS) throw tooLarge(MOST_CHARS);
  return cleaned;
}

async function pdfTexts(
  bytes: Uint8Array,
  onPage: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<(string | null)[]> {
  const pdf = await openPdf(bytes);
  try {
    const texts: (string | null)[] = [];
    for (let number = 1; number <= pdf.pageCount; number += 1) {
      signal?.throwIfAborted();
      texts.push(await pdf.text(number));
      onPage(number, pdf.pageCount);
    }
    return texts;
  } finally {
    await pdf.close();
  }
}

/** A page that is null could not be read. */
function assembled(
  id: string,
  name: string,
  mediaType: string,
  texts: readonly (string | null)[],
): Document {
  const isDamaged = texts.includes(null);
  if (!texts.some((text) => text && says(text))) {
    throw new DocumentError(isDamaged ? "document-broken" : "document-no-text");
  }
  const pages: Page[] = texts.map((text, at) => ({ number: at + 1, text: text ?? "" }));
  const note = isDamaged ? DAMAGED : pages.every((page) => says(page.text)) ? "" : NO_TEXT;
  return { id, name: name.toWellFormed(), mediaType, pages, note };
}

function says(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}

function tooLarge(limit: number): DocumentError {
  return new DocumentError("document-too-large", limit.toLocaleString("en"));
}

async function bytesOf(file: File): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    throw new DocumentError("document-broken", (error as Error).message); // a folder, or gone
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

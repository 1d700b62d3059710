// PDF files, from bytes to the text of each page. The only place that knows pdf.js, which is fetched
// with the first PDF, from beside the page; nothing of a file is drawn or run.

import { clean } from "./cleaning.js";
import { DocumentError } from "./errors.js";

const MOST_PAGES = 5_000;

export interface PdfPages {
  readonly pageCount: number;
  /** Of page `number`, from 1, cleaned; null where it cannot be read. */
  text(number: number): Promise<string | null>;
  close(): Promise<void>;
}

/** Throws DocumentError. `bytes` are handed over: they are empty afterwards. */
export async function openPdf(bytes: Uint8Array): Promise<PdfPages> {
  const { getDocument, GlobalWorkerOptions } = await import("pdfjs-dist/legacy/build/pdf.mjs");
  GlobalWorkerOptions.workerSrc = new URL("pdf.worker.js", document.baseURI).href;
  const task = getDocument({
    data: bytes,
    isEvalSupported: false,
    disableFontFace: true,
    useSystemFonts: false,
    useWasm: false,
    verbosity: 0,
  });
  const opened = await task.promise.catch(async (error: unknown) => {
    await task.destroy();
    throw reasonOf(error);
  });
  if (opened.numPages > MOST_PAGES) {
    await task.destroy();
    throw new DocumentError("document-too-large", `${opened.numPages} > ${MOST_PAGES}`);
  }
  return {
    pageCount: opened.numPages,
    text: async (number) => {
      try {
        const page = await opened.getPage(number);
        const { items } = await page.getTextContent();
        page.cleanup();
        return clean(items.map(written).join(""), true);
      } catch {
        return null;
      }
    },
    close: () => task.destroy(),
  };
}

function written(item: object): string {
  const { str = "", hasEOL = false } = item as { str?: string; hasEOL?: boolean };
  return hasEOL ? `${str}\n` : str;
}

function reasonOf(error: unknown): DocumentError {
  const { name, message } = error as Error;
  if (name === "PasswordException") return new DocumentError("document-encrypted");
  return new DocumentError("document-broken", message);
}

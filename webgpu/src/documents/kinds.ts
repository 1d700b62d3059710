// What a file is: its bytes and its name in, a kind we read out; both must agree.

import { isText } from "./encodings.js";
import { DocumentError } from "./errors.js";

export type MediaType = "application/pdf" | "text/markdown" | "text/plain";

const BY_ENDING: Readonly<Record<string, MediaType>> = {
  pdf: "application/pdf",
  md: "text/markdown",
  markdown: "text/markdown",
  txt: "text/plain",
  text: "text/plain",
  log: "text/plain",
  rst: "text/plain",
  csv: "text/plain",
  tsv: "text/plain",
};
/** For a file picker. */
export const ENDINGS: readonly string[] = Object.keys(BY_ENDING).map((ending) => `.${ending}`);

// Texts that only the server takes the words out of.
const SERVER_ONLY = /\.(html?|xhtml|rtf)$/i;
const PDF_HEADER_WITHIN = 1_024; // bytes; junk may come first

// What has a signature and is not read here; the name is the same in every language.
const REFUSED: readonly (readonly [string, string])[] = [
  ["\x89PNG", "PNG"],
  ["\xff\xd8\xff", "JPEG"],
  ["GIF8", "GIF"],
  ["II*\0", "TIFF"],
  ["MM\0*", "TIFF"],
  ["RIFF", "RIFF"],
  ["{\\rtf", "RTF"],
  ["%!PS", "PostScript"],
  ["\xd0\xcf\x11\xe0", "DOC, XLS, PPT"],
  ["PK\x03\x04", "ZIP, DOCX, XLSX, ODT, EPUB"],
  ["\x1f\x8b", "GZIP"],
  ["7z\xbc\xaf", "7Z"],
  ["Rar!", "RAR"],
  ["\x7fELF", "ELF"],
  ["MZ", "EXE"],
  ["SQLite format 3", "SQLite"],
];

/** Throws DocumentError for what is not read here and for what its name belies. */
export function kindOf(bytes: Uint8Array, name: string): MediaType {
  const named = BY_ENDING[/\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? ""];
  if (isPdf(bytes, named)) {
    if (named && named !== "application/pdf") throw new DocumentError("document-misnamed", "PDF");
    return "application/pdf";
  }
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  const refused = REFUSED.find(([signature]) => start.startsWith(signature));
  if (refused) throw new DocumentError("document-unsupported", refused[1]);
  if (!isText(bytes)) throw unknown(named);
  if (SERVER_ONLY.test(name)) throw new DocumentError("document-unsupported", endingOf(name));
  if (named === "application/pdf") throw new DocumentError("document-misnamed", "TXT");
  return named ?? "text/plain";
}

function isPdf(bytes: Uint8Array, named: MediaType | undefined): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, PDF_HEADER_WITHIN));
  if (/^(?:\xef\xbb\xbf|\s)*%PDF-/.test(start)) return true;
  const end = String.fromCharCode(...bytes.subarray(-PDF_HEADER_WITHIN));
  return named === "application/pdf" && (start.includes("%PDF-") || end.includes("startxref"));
}

function unknown(named: MediaType | undefined): DocumentError {
  return new DocumentError(named ? "document-broken" : "document-unsupported");
}

function endingOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1).toUpperCase();
}

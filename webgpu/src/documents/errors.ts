// Why a file is not read. `code` names the page's sentence for it; `detail` is put behind it.

export type DocumentCode =
  | "document-empty" // no bytes
  | "document-no-text" // no page has text: scanned, or blank
  | "document-encrypted"
  | "document-too-large" // detail: the limit
  | "document-unsupported" // detail: what the file is, by its signature or name
  | "document-misnamed" // its bytes are not what its name says; detail: what they are
  | "document-broken"; // detail: as its reader said it

export class DocumentError extends Error {
  override readonly name = "DocumentError";

  constructor(
    readonly code: DocumentCode,
    readonly detail = "",
  ) {
    super(detail ? `${code}: ${detail}` : code);
  }
}

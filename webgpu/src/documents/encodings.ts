// Bytes to text where nothing says how they are encoded: UTF-8 and UTF-16 are told by their form;
// what is left is a code page of Western or Central Europe, told by its letters.

const BOMS: readonly (readonly [readonly number[], string])[] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
];
const SAMPLE_BYTES = 65_536;
const MOST_CONTROLS = 0.05; // of the bytes of a text in a code page; a binary file has about 0.1
const FEW_CONTROLS = 8;
const UTF16_NULS = 0.2; // of the bytes, all at even or all at odd places: a Latin text in UTF-16
// Bytes that are letters of Romanian, Hungarian, Polish or Czech in windows-1250, and in
// windows-1252 letters of none of these nor of German or French: ă ș ț ő ű ł ś ż ě ř ů as ã º þ õ û.
const CENTRAL = new Set([0xaa, 0xba, 0xc3, 0xde, 0xe3, 0xf5, 0xfb, 0xfe, 0xa3, 0xb3, 0xbf, 0x9c, 0xec, 0xf8, 0xf9]);
// Letters that both pages write alike, and others of the West.
const WESTERN = new Set([0xe0, 0xe8, 0xea, 0xe5, 0xe6, 0xf1, 0xf2]);

/** Whether `bytes` can be read as text, judged by their beginning. */
export function isText(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  if (marked(sample) || unmarkedUtf16(sample)) return true;
  const controls = sample.reduce((sum, byte) => sum + Number(isControl(byte)), 0);
  return controls <= Math.max(FEW_CONTROLS, MOST_CONTROLS * sample.length);
}

/** What cannot be decoded becomes U+FFFD. Lines that are UTF-8 are read so where most are. */
export function decode(bytes: Uint8Array): string {
  const encoding = marked(bytes) || unmarkedUtf16(bytes.subarray(0, SAMPLE_BYTES));
  if (encoding) return new TextDecoder(encoding).decode(bytes);
  return asUtf8(bytes) ?? mixed(bytes, codePage(bytes));
}

function marked(bytes: Uint8Array): string {
  return BOMS.find(([mark]) => mark.every((byte, at) => bytes[at] === byte))?.[1] ?? "";
}

function unmarkedUtf16(sample: Uint8Array): string {
  let even = 0;
  let odd = 0;
  sample.forEach((byte, at) => {
    if (byte === 0) at % 2 ? (odd += 1) : (even += 1);
  });
  if (odd > UTF16_NULS * sample.length && even < odd / 10) return "utf-16le";
  if (even > UTF16_NULS * sample.length && odd < even / 10) return "utf-16be";
  return "";
}

function asUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Line by line where UTF-8 prevails, else all of it in `page`. */
function mixed(bytes: Uint8Array, page: string): string {
  const decoder = new TextDecoder(page);
  const read = lines(bytes).map((line) => ({ line, text: asUtf8(line) }));
  const odd = read.filter(({ line }) => line.some((byte) => byte > 0x7f));
  if (2 * odd.filter(({ text }) => text !== null).length < odd.length) return decoder.decode(bytes);
  return read.map(({ line, text }) => text ?? decoder.decode(line)).join("");
}

function lines(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start) + 1 || bytes.length;
    found.push(bytes.subarray(start, end));
    start = end;
  }
  return found;
}

function codePage(bytes: Uint8Array): string {
  let central = 0;
  let western = 0;
  for (const byte of bytes.subarray(0, SAMPLE_BYTES)) {
    central += Number(CENTRAL.has(byte));
    western += Number(WESTERN.has(byte));
  }
  return central > western ? "windows-1250" : "windows-1252";
}

function isControl(byte: number): boolean {
  return byte < 32 && ![9, 10, 12, 13, 27].includes(byte);
}

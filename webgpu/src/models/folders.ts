// Where models are kept: models/<name>/<path> in the browser's own storage (OPFS).
//
// Beside the files of a model lies what its list said of it, so that it can be told whether they
// are all here without the list.

import type { Model, ModelFile, StoredModel } from "../types.js";
import { StoreError } from "./errors.js";

const ENTRY = ".model.json"; // no path of a list begins with a dot (list.ts)
const PART = ".part";

export async function modelsFolder(): Promise<FileSystemDirectoryHandle> {
  if (!navigator.storage?.getDirectory) throw new StoreError("no-storage");
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle("models", { create: true });
  } catch (error) {
    throw StoreError.of(error, "");
  }
}

/** The folder of a model and, within it, of one file: both made when `create`. */
export async function folderOf(
  name: string,
  path = "",
  create = false,
): Promise<FileSystemDirectoryHandle> {
  let folder = await modelsFolder();
  for (const step of [name, ...path.split("/").slice(0, -1)]) {
    folder = await folder.getDirectoryHandle(step, { create });
  }
  return folder;
}

export function leafOf(path: string): string {
  return path.split("/").at(-1) ?? path;
}

export function partOf(path: string): string {
  return path + PART;
}

/** Bytes of a file, or of what has come of it; 0 when it is not there. */
export async function keptBytes(name: string, path: string): Promise<number> {
  try {
    const folder = await folderOf(name, path);
    const file = await folder.getFileHandle(leafOf(path));
    return (await file.getFile()).size;
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return 0;
    throw StoreError.of(error, path);
  }
}

/** Throws StoreError "damaged" when it is not there with the size of the list. */
export async function storedFile(model: string, file: ModelFile): Promise<File> {
  try {
    const folder = await folderOf(model, file.path);
    const stored = await (await folder.getFileHandle(leafOf(file.path))).getFile();
    if (stored.size === file.sizeBytes) return stored;
  } catch (error) {
    throw StoreError.of(error, file.path);
  }
  throw new StoreError("damaged", file.path);
}

export async function isWhole(name: string, file: ModelFile): Promise<boolean> {
  return (await keptBytes(name, file.path)) === file.sizeBytes;
}

export async function deleteFile(name: string, path: string): Promise<void> {
  try {
    const folder = await folderOf(name, path);
    await folder.removeEntry(leafOf(path));
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return;
    throw StoreError.of(error, path);
  }
}

/** Notes what the list says now, and deletes files of which it said something else before. */
export async function noteModel(model: Model): Promise<void> {
  const folder = await folderOf(model.name, "", true);
  await deleteOthers(model, await noted(folder));
  const handle = await folder.getFileHandle(ENTRY, { create: true });
  const access = await handle.createSyncAccessHandle();
  try {
    const text = new TextEncoder().encode(JSON.stringify(model.files));
    access.truncate(0);
    access.write(text, { at: 0 });
    access.flush();
  } finally {
    access.close();
  }
}

export async function storedModel(folder: FileSystemDirectoryHandle): Promise<StoredModel> {
  const files = await noted(folder);
  const whole = await Promise.all(files.map((file) => isWhole(folder.name, file)));
  return {
    name: folder.name,
    sizeBytes: await sizeOf(folder),
    isComplete: files.length > 0 && whole.every(Boolean),
  };
}

/** What the list said of the files when they were last downloaded. */
async function noted(folder: FileSystemDirectoryHandle): Promise<readonly ModelFile[]> {
  try {
    const file = await (await folder.getFileHandle(ENTRY)).getFile();
    return JSON.parse(await file.text()) as readonly ModelFile[];
  } catch {
    return []; // a download that was cut off before its first byte
  }
}

async function deleteOthers(model: Model, former: readonly ModelFile[]): Promise<void> {
  const hashes = new Map(model.files.map((file) => [file.path, file.sha256]));
  for (const { path, sha256 } of former) {
    if (hashes.get(path) !== sha256) await deleteFile(model.name, path);
  }
}

async function sizeOf(folder: FileSystemDirectoryHandle): Promise<number> {
  let sum = 0;
  for await (const entry of folder.values()) {
    sum += entry instanceof FileSystemFileHandle ? await lengthOf(entry) : await sizeOf(entry);
  }
  return sum;
}

// Another tab may have renamed or deleted it meanwhile.
async function lengthOf(handle: FileSystemFileHandle): Promise<number> {
  return handle.getFile().then((file) => file.size, () => 0);
}

// A file that is still coming: <path>.part, written at its end and hashed as it grows.
//
// Runs in a worker: a synchronous access handle is what Chromium, Firefox and Safari all have, it
// writes in place, and it lets nobody else write.

import { createSHA256, type IHasher } from "hash-wasm";
import type { ModelFile } from "../types.js";
import { StoreError } from "./errors.js";
import { deleteFile, folderOf, leafOf, partOf } from "./folders.js";

const BLOCK_BYTES = 4 << 20;

// In no version of the language's own list of types, and in all three browsers.
interface Movable {
  move(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}

export class Part {
  readonly #hasher: IHasher;
  #size = 0;

  private constructor(
    private readonly model: string,
    private readonly file: ModelFile,
    private readonly folder: FileSystemDirectoryHandle,
    private readonly handle: FileSystemFileHandle,
    private readonly access: FileSystemSyncAccessHandle,
    hasher: IHasher,
  ) {
    this.#hasher = hasher;
  }

  /** With what a former download left, hashed again: `onHashed` is told how far that is. */
  static async open(
    model: string,
    file: ModelFile,
    onHashed: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<Part> {
    const folder = await folderOf(model, file.path, true);
    const handle = await folder.getFileHandle(leafOf(partOf(file.path)), { create: true });
    const access = await handle.createSyncAccessHandle();
    const part = new Part(model, file, folder, handle, access, await createSHA256());
    try {
      await part.#readAgain(onHashed, signal);
    } catch (error) {
      part.close();
      throw error;
    }
    return part;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size === this.file.sizeBytes;
  }

  /** Leaves out what goes beyond the size of the list: the hash tells whether that was right. */
  append(bytes: Uint8Array): void {
    const fitting = bytes.subarray(0, this.file.sizeBytes - this.#size);
    const written = this.access.write(fitting, { at: this.#size });
    // Without room Chromium writes less, or returns an error's number as if it were a length.
    if (written !== fitting.length) throw this.#noRoom();
    this.#hasher.update(fitting);
    this.#size += written;
  }

  /** Whether every byte is right; nothing more can be appended. */
  isRight(): boolean {
    return this.isFull && this.#hasher.digest() === this.file.sha256;
  }

  clear(): void {
    this.access.truncate(0);
    this.#hasher.init();
    this.#size = 0;
  }

  /** Gives the file its name: from now on it is complete. */
  async keep(): Promise<void> {
    this.access.flush();
    this.close();
    await deleteFile(this.model, this.file.path); // one of another size
    await (this.handle as unknown as Movable).move(this.folder, leafOf(this.file.path));
  }

  async delete(): Promise<void> {
    this.close();
    await this.folder.removeEntry(this.handle.name);
  }

  close(): void {
    this.access.close();
  }

  // What was written of the last piece is not hashed: it goes.
  #noRoom(): StoreError {
    this.access.truncate(this.#size);
    return new StoreError("no-room", this.file.path, this.file.sizeBytes - this.#size);
  }

  async #readAgain(onHashed: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    this.#hasher.init();
    const size = this.access.getSize();
    if (size > this.file.sizeBytes) return this.clear();
    const block = new Uint8Array(Math.min(BLOCK_BYTES, size));
    while (this.#size < size) {
      const count = this.access.read(block, { at: this.#size });
      this.#hasher.update(block.subarray(0, count));
      this.#size += count;
      onHashed(this.#size);
      await breathe();
      signal.throwIfAborted();
    }
  }
}

/** Reads a stored file whole, and says whether its hash is that of the list. */
export async function hasRightHash(
  stored: File,
  file: ModelFile,
  onHashed: (bytes: number) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const hasher = await createSHA256();
  hasher.init();
  for (let start = 0; start < stored.size; start += BLOCK_BYTES) {
    signal.throwIfAborted();
    const block = await stored.slice(start, start + BLOCK_BYTES).arrayBuffer();
    hasher.update(new Uint8Array(block));
    onHashed(start + block.byteLength);
  }
  return hasher.digest() === file.sha256;
}

// Lets the worker hear that it was told to stop.
function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

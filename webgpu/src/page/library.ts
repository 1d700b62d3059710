// The documents of this visit: read in this browser, searched in it, and forgotten when the tab is
// closed or reloaded. They are not written to storage, where the next person at this machine would
// find them.

import { chunk } from "../documents/chunking";
import { readFile, readText } from "../documents/readers";
import { counted, Index } from "../retrieval/index";
import type { Chunk, Document, Page } from "../types";
import { Cell } from "./cell";
import { problemOf, type Problem } from "./problems";

export interface Unread {
  readonly name: string;
  readonly problem: Problem;
}

export class Library {
  readonly documents = new Cell<readonly Document[]>([]);
  readonly unread = new Cell<readonly Unread[]>([]); // of the last drop
  readonly reading = new Cell<string>(""); // the file being read
  index = new Index();

  /** Reads files one after another: one that fails never stops the others. */
  async add(files: readonly File[]): Promise<void> {
    this.unread.value = [];
    for (const file of files) await this.#take(file.name, () => readFile(file));
  }

  async addText(text: string, name: string): Promise<void> {
    this.unread.value = [];
    await this.#take(name, () => readText(text, name));
  }

  remove(id: string): void {
    this.index = this.index.without(id);
    this.documents.value = this.documents.value.filter((one) => one.id !== id);
  }

  page(chunk: Chunk): Page | null {
    const document = this.documents.value.find((one) => one.id === chunk.documentId);
    return document?.pages.find((page) => page.number === chunk.page) ?? null;
  }

  async #take(name: string, read: () => Promise<Document>): Promise<void> {
    this.reading.value = name;
    try {
      const document = await read();
      const counts = await counted(await chunk(document));
      if (this.documents.value.some((one) => one.id === document.id)) return; // it is here already
      this.index = this.index.with(counts);
      this.documents.value = [...this.documents.value, document];
    } catch (error) {
      this.unread.value = [...this.unread.value, { name, problem: problemOf(error) }];
    } finally {
      this.reading.value = "";
    }
  }
}

// A value that tells when it has changed.

export class Cell<T> {
  #value: T;
  readonly #watchers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher(value);
  }

  watch(watcher: (value: T) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

/** Calls `draw` now, and whenever one of `cells` changes. */
export function drawn(draw: () => void, ...cells: readonly Pick<Cell<unknown>, "watch">[]): void {
  for (const cell of cells) cell.watch(draw);
  draw();
}

// Small values kept between visits. A browser that forbids storage costs only the keeping.

export function recall(name: string, storage: () => Storage = () => localStorage): string | null {
  try {
    return storage().getItem(name);
  } catch {
    return null;
  }
}

/** False when it could not be kept. An empty value is none. */
export function keep(name: string, value: string, storage: () => Storage = () => localStorage): boolean {
  try {
    if (value) storage().setItem(name, value);
    else storage().removeItem(name);
    return true;
  } catch {
    return false;
  }
}

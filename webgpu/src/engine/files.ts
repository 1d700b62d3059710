// The files of a model, from where the model store keeps them: `models/NAME/PATH` in the browser's
// own storage (OPFS). Nothing here fetches.

import { EngineError } from "./errors.js";

export async function modelFile(name: string, path: string): Promise<File> {
  try {
    let folder = await navigator.storage.getDirectory();
    const parts = path.split("/");
    for (const part of ["models", name, ...parts.slice(0, -1)]) {
      folder = await folder.getDirectoryHandle(part);
    }
    return await (await folder.getFileHandle(parts.at(-1) ?? "")).getFile();
  } catch (thrown) {
    throw new EngineError("missing-file", `${name}/${path}: ${String(thrown)}`);
  }
}

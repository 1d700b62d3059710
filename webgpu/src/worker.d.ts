// What only workers have. TypeScript's own library for them cannot be used beside that of pages.

interface DedicatedWorkerGlobalScope extends WindowOrWorkerGlobalScope {
  readonly location: WorkerLocation;
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

interface WorkerLocation {
  readonly href: string;
  readonly origin: string;
}

interface FileSystemSyncAccessHandle {
  read(buffer: ArrayBufferView, options?: { at?: number }): number;
  write(buffer: ArrayBufferView, options?: { at?: number }): number;
  truncate(newSize: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>;
}

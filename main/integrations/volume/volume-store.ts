/** Progress and cancellation of one copy. */
export interface TransferOptions {
  onProgress?(doneBytes: number, totalBytes: number): void
  signal?: AbortSignal
}

/** Files of a training volume, by key; one interface for a local folder and for network volumes. */
export interface VolumeStore {
  /** True where every read is a job on a billed worker, so that nothing is read only to see whether it is there. */
  readonly isBilledPerRead?: boolean
  /** Copies a local file to `key` (temporary name, then rename); skips when the same size and hash is there. */
  putFile(key: string, sourcePath: string, sha256: string, options?: TransferOptions): Promise<void>
  /** Writes a small text whole or not at all. */
  putText(key: string, text: string): Promise<void>
  /** Copies `key` to a local path, resuming a partial file. */
  getFile(key: string, targetPath: string, options?: TransferOptions): Promise<{ bytes: number }>
  /** Text of a small file, or undefined when absent. */
  findText(key: string, maxBytes: number): Promise<string | undefined>
  list(prefix: string): Promise<readonly { key: string; bytes: number }[]>
  /** Complete event lines with seq > afterSeq, in order, at most maxEvents. */
  readEventLines(runId: string, afterSeq: number, maxEvents: number): Promise<readonly string[]>
  removePrefix(prefix: string): Promise<void>
  /** Null when the store does not tell. */
  freeBytes(): Promise<number | null>
}

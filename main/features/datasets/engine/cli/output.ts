/** Where a command of the engine writes, and what it was started with. */
export interface CommandOutput {
  write(text: string): void
  writeError(text: string): void
  readonly environment: NodeJS.ProcessEnv
  readonly workerScript: URL
  /** Folder of the packed vocabularies, unless another one is named. */
  readonly vocabularies: string
}

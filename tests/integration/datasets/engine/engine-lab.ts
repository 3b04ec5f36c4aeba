import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatasetEngine, type DatasetEngine, type OpenRequest } from '../../../../main/features/datasets/engine/engine.ts'

/** An engine of this process with real workers, and a folder for its files. */
export interface EngineLab {
  readonly folder: string
  readonly engine: DatasetEngine
  write(name: string, content: string | Buffer): string
  /** What opening a file of the folder needs; every call makes a new index unless it is told which. */
  request(path: string, changes?: Partial<OpenRequest>): OpenRequest
  close(): Promise<void>
}

const workerScript = new URL('../../../../main/features/datasets/engine/pass/pass.worker.ts', import.meta.url)

/** Opens an engine. */
export function createEngineLab({ workers = 2 }: { readonly workers?: number } = {}): EngineLab {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  const engine = createDatasetEngine({ workerScript, workers, nativeBinding: undefined, onTasks: () => undefined })
  let indexes = 0
  return {
    folder,
    engine,
    write(name, content) {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    },
    request(path, changes = {}) {
      indexes += 1
      return {
        key: 'data',
        path,
        placesPath: null,
        fileNames: ['data.jsonl'],
        indexPath: join(folder, `index-${indexes}.sqlite`),
        isOwnCopy: false,
        mapping: null,
        edits: [],
        version: 0,
        split: null,
        importedAtMs: 1,
        ...changes,
      }
    },
    async close() {
      await engine.dispose()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A row of chat with its texts. */
export function chatRow(user: string, assistant: string): string {
  return JSON.stringify({
    messages: [
      { role: 'user', content: user },
      { role: 'assistant', content: assistant },
    ],
  })
}

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SourceFormat } from '../../../preload/contract/datasets.ts'
import type { EngineClient } from './engine/host/connect.ts'
import { importFile } from './import-file.ts'
import type { ImportedFiles, StoredSource } from './repository.ts'

/** A file to be imported. */
export interface ChosenSource {
  readonly path: string
  readonly fileName: string
}

interface ImportOptions {
  readonly id: string
  readonly sources: readonly ChosenSource[]
  readonly folder: string
  readonly engine: EngineClient
  readonly signal: AbortSignal
  /** Share of the copying that is done, 0–1. */
  readonly onProgress: (share: number) => void
}

/** Copies the sources into the datasets folder; what is not plain JSON Lines, or more than one file, becomes a working file besides. */
export async function importSources(options: ImportOptions): Promise<{ files: ImportedFiles; format: SourceFormat | null }> {
  const { id, sources, folder, engine, signal } = options
  const first = sources[0]
  if (first === undefined) throw new Error('An import needs a file.')
  const { format } = await engine.previewSource(first.path)
  const isInPlace = sources.length === 1 && (await engine.isPlain(first.path))
  const stored: StoredSource[] = []
  for (const [at, { path, fileName }] of sources.entries()) {
    const copy = await importFile({
      sourcePath: path,
      folder,
      partialName: `${id}-${at}`,
      ending: isInPlace ? 'jsonl' : 'source',
      signal,
      onProgress: (done, total) => options.onProgress((at + (total === 0 ? 1 : done / total)) / sources.length),
    })
    stored.push({ fileName, ...copy })
  }
  signal.throwIfAborted()
  const [only] = stored
  if (isInPlace && only !== undefined) {
    const { relativePath, sha256, bytes } = only
    return { files: { relativePath, placesPath: null, sha256, bytes, sources: stored }, format }
  }
  return { files: await makeWorkingFile(options, stored), format }
}

async function makeWorkingFile({ id, folder, engine, signal }: ImportOptions, stored: readonly StoredSource[]): Promise<ImportedFiles> {
  const relativePath = `${id}.rows.jsonl`
  const placesPath = `${id}.places`
  const cancel = () => void engine.cancelTask(id, 'import')
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const paths = stored.map((source) => join(folder, source.relativePath))
    const { sha256 } = await engine.importSources(id, paths, join(folder, relativePath), join(folder, placesPath))
    signal.throwIfAborted()
    return { relativePath, placesPath, sha256, bytes: stored.reduce((sum, source) => sum + source.bytes, 0), sources: stored }
  } catch (error) {
    for (const name of [relativePath, placesPath]) await rm(join(folder, name), { force: true })
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

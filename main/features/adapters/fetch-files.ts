import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AppError } from '../../../preload/contract/errors.ts'
import type { AdapterManifest } from '../../../preload/contract/worker.ts'
import type { VolumeStore } from '../../integrations/volume/volume-store.ts'
import { corrupt, diskFull } from './corrupt.ts'
import { findFileSize, isIntact } from './file-check.ts'
import { partsOf, totalBytes, type ManifestPart } from './manifest.ts'

/** One adapter to be copied from a volume into a folder of its own. */
export interface Fetch {
  readonly volume: VolumeStore
  readonly runId: string
  readonly manifest: AdapterManifest
  /** Holds `parts/` while copying and `files/` when done; what is right in it from an earlier try is kept. */
  readonly folder: string
  readonly onProgress: (doneBytes: number, totalBytes: number) => void
  readonly signal?: AbortSignal | undefined
}

const spareBytes = 32_000_000

/** Copies what is not there yet, part by part, and puts the files together; returns the folder of the files. */
export async function fetchFiles(fetch: Fetch): Promise<string> {
  const { manifest, folder, signal } = fetch
  const files = join(folder, 'files')
  await mkdir(join(folder, 'parts'), { recursive: true })
  await mkdir(files, { recursive: true })
  await assertComplete(fetch)
  await assertRoom(fetch)
  const total = totalBytes(manifest.adapter_files)
  let done = 0
  const advance = (bytes: number) => fetch.onProgress(Math.min(total, done + bytes), total)
  for (const file of manifest.adapter_files) {
    const target = join(files, file.name)
    if (!(await isIntact(target, file, signal))) {
      const before = done
      for (const part of partsOf(manifest, file.name)) {
        await fetchPart(fetch, part, advance)
        done += part.bytes
      }
      done = before
      await assemble(fetch, file.name, target)
    }
    done += file.bytes
    advance(0)
  }
  return files
}

/** Compares the volume's listing with the packing list before a byte is copied. */
async function assertComplete({ volume, runId, manifest, signal }: Fetch): Promise<void> {
  const prefix = `runs/${runId}/`
  const files = await volume.list(`${prefix}adapter/`).catch((problem: unknown) => {
    // It only spares copying in vain: every part is held against its hash all the same.
    if (problem instanceof AppError && signal?.aborted !== true) return undefined
    throw problem
  })
  if (files === undefined) return
  const listed = new Map(files.map(({ key, bytes }) => [key, bytes]))
  for (const { key, bytes } of manifest.parts) {
    const found = listed.get(prefix + key)
    if (found === undefined) throw corrupt(`${key} is not on the training volume.`)
    if (found !== bytes) throw corrupt(`${key} has ${found} bytes on the training volume instead of ${bytes}.`)
  }
}

async function assertRoom({ manifest, folder }: Fetch): Promise<void> {
  let neededBytes = spareBytes
  for (const file of manifest.adapter_files) {
    if ((await findFileSize(join(folder, 'files', file.name))) === file.bytes) continue
    const parts = partsOf(manifest, file.name)
    // Several parts exist beside the file they become; a single one is renamed into it.
    if (parts.length > 1) neededBytes += file.bytes
    for (const part of parts) neededBytes += Math.max(0, part.bytes - ((await findFileSize(partPath(folder, part))) ?? 0))
  }
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize < neededBytes) throw diskFull(neededBytes)
}

async function fetchPart(fetch: Fetch, part: ManifestPart, advance: (bytes: number) => void): Promise<void> {
  const { folder, signal } = fetch
  const path = partPath(folder, part)
  signal?.throwIfAborted()
  if (await isIntact(path, part, signal)) return advance(part.bytes)
  const size = await findFileSize(path)
  const isPartial = size !== undefined && size < part.bytes
  if (!isPartial) await rm(path, { force: true, recursive: true })
  if (await copyPart(fetch, part, path, advance)) return
  // What an interrupted copy left may be damaged itself, so only a copy from the beginning proves anything.
  await rm(path, { force: true })
  if (isPartial && (await copyPart(fetch, part, path, advance))) return
  throw corrupt(`${part.key} is not what the trainer recorded: its SHA-256 differs.`)
}

async function copyPart(
  { volume, runId, signal }: Fetch,
  part: ManifestPart,
  path: string,
  advance: (bytes: number) => void,
): Promise<boolean> {
  await volume.getFile(`runs/${runId}/${part.key}`, path, { onProgress: advance, ...(signal === undefined ? {} : { signal }) })
  return isIntact(path, part, signal)
}

async function assemble({ manifest, folder, signal }: Fetch, name: string, target: string): Promise<void> {
  const paths = partsOf(manifest, name).map((part) => partPath(folder, part))
  const [only, ...others] = paths
  if (only !== undefined && others.length === 0) return rename(only, target)
  const temporary = `${target}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    for (const path of paths) for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) await file.write(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, target)
  for (const path of paths) await rm(path, { force: true })
}

function partPath(folder: string, part: ManifestPart): string {
  return join(folder, 'parts', basename(part.key))
}

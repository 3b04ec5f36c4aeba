import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeFileAtomically } from '../../lib/atomic-file.ts'
import { exists } from './file-check.ts'
import type { AdapterRecord } from './repository.ts'

/** Hidden beside the adapters, so that taking the files over is a rename on the same disk. */
const incomingFolder = '.incoming'

export type AdapterPlaces = ReturnType<typeof createAdapterPlaces>

/** Where adapters are on disk while they are copied, when they are good, and when they are kept apart. */
export function createAdapterPlaces({
  adaptersFolder,
  quarantineFolder,
}: {
  readonly adaptersFolder: string
  readonly quarantineFolder: string
}) {
  const incoming = (runId: string) => join(adaptersFolder, incomingFolder, runId)
  const quarantine = (runId: string) => join(quarantineFolder, runId)
  const folder = (relativePath: string) => join(adaptersFolder, relativePath)

  return {
    incoming,
    quarantine,
    folder,
    /** Where the files of a record are now. */
    current: (record: AdapterRecord) => (record.status === 'quarantined' ? quarantine(record.runId) : folder(record.relativePath)),
    /** A folder name nothing else has. */
    async freeName(wanted: string): Promise<string> {
      let name = wanted
      for (let number = 2; await exists(folder(name)); number += 1) name = `${wanted}-${number}`
      return name
    },
    /** Makes checked files visible as a whole, and nothing but them. */
    async publish(files: string, names: ReadonlySet<string>, relativePath: string): Promise<void> {
      for (const name of await readdir(files)) if (!names.has(name)) await rm(join(files, name), { recursive: true, force: true })
      await settle(files, folder(relativePath))
    },
    /** Moves damaged files out of sight, together with the reason. */
    async setApart(runId: string, from: string, reason: string): Promise<void> {
      const target = quarantine(runId)
      await rm(target, { recursive: true, force: true, maxRetries: 3 })
      if (await exists(from)) await settle(from, target)
      else await mkdir(target, { recursive: true, mode: 0o700 })
      await writeFileAtomically(join(target, 'reason.txt'), `${reason}\n`)
    },
    /** Forgets what was copied and what was kept apart. */
    async clear(runId: string): Promise<void> {
      await rm(incoming(runId), { recursive: true, force: true, maxRetries: 3 })
      await rm(quarantine(runId), { recursive: true, force: true, maxRetries: 3 })
    },
    /** Runs that have something copied and not taken over yet. */
    async listIncoming(): Promise<readonly string[]> {
      const root = join(adaptersFolder, incomingFolder)
      return (await exists(root)) ? readdir(root) : []
    },
  }
}

async function settle(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await rename(from, to)
  await syncFolder(dirname(to))
}

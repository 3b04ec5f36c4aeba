import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { sha256Schema } from '../../../preload/contract/primitives.ts'

const descriptionSchema = z.object({
  image: z.string().min(1),
  startCommand: z.string().min(1),
  env: z.record(z.string(), z.string()),
  files: z.array(z.object({ key: z.string().regex(/^tunesmith\/[a-z0-9./]+$/), sha256: sha256Schema })).min(1),
})

/** The worker that comes with the app, as it is put on a network volume and started on a stock image. */
export interface WorkerPackage {
  /** The stock image it is made for. */
  readonly image: string
  readonly startCommand: string
  /** What the endpoint's environment must say; holds no secrets. */
  readonly env: Readonly<Record<string, string>>
  readonly files: readonly { readonly key: string; readonly path: string; readonly sha256: string }[]
  /** Its version: equal code has an equal one. */
  readonly version: string
}

/** Reads what the build has packed; throws when the app is incomplete. */
export async function readWorkerPackage(folder: string): Promise<WorkerPackage> {
  const { files, env, ...rest } = descriptionSchema.parse(JSON.parse(await readFile(join(folder, 'worker.json'), 'utf8')))
  return {
    ...rest,
    env,
    files: files.map(({ key, sha256 }) => ({ key, sha256, path: join(folder, ...key.split('/')) })),
    version: Object.keys(env)
      .toSorted()
      .map((name) => env[name])
      .join('.'),
  }
}

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../../../preload/contract/errors.ts'

const sampleSchema = z.object({
  id: z.string().regex(/^[a-z0-9-]+$/),
  title: z.string().min(1),
  description: z.string(),
  // A plain name: the catalogue cannot point outside its folder.
  fileName: z.string().regex(/^[a-z0-9-]+\.jsonl$/),
  rows: z.int().nonnegative(),
})
/** A dataset shipped with the app. */
export type Sample = z.infer<typeof sampleSchema>

/** The datasets shipped with the app, read from the resources folder. */
export interface Samples {
  list(): Promise<readonly Sample[]>
  /** The sample and its file; refuses an id that is not in the catalogue. */
  get(id: string): Promise<Sample & { path: string }>
}

/** Reads `samples.json` of a folder. */
export function createSamples(folder: string): Samples {
  const list = async () => z.array(sampleSchema).parse(JSON.parse(await readFile(join(folder, 'samples.json'), 'utf8')))
  return {
    list,
    async get(id) {
      const sample = (await list()).find((entry) => entry.id === id)
      if (sample === undefined) throw new AppError('DATASET_SAMPLE_UNKNOWN', 'This sample does not exist. Choose one from the list.')
      return { ...sample, path: join(folder, sample.fileName) }
    },
  }
}

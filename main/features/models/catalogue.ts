import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { baseModelSchema, type BaseModel } from '../../../preload/contract/models.ts'

/** Reads the base models shipped with the app; `folder` is the models folder of the resources. */
export function loadCatalogue(folder: string): readonly BaseModel[] {
  return z.array(baseModelSchema).parse(JSON.parse(readFileSync(join(folder, 'catalogue.json'), 'utf8')))
}

// Writes trainer/contract/*.schema.json from preload/contract; run it after changing preload/contract/worker.ts.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { trainerContractFiles } from '../preload/contract/worker-schemas.ts'

const folder = join(import.meta.dirname, '..', 'trainer', 'contract')
mkdirSync(folder, { recursive: true })
for (const [name, text] of trainerContractFiles()) writeFileSync(join(folder, name), text)
console.log(`Wrote ${trainerContractFiles().size} files to trainer/contract`)

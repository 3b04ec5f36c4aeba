import { createLanguageSampler, loadLanguageDetector, sampleRows } from './hygiene/language.ts'
import type { OpenDataset } from './open-dataset.ts'
import type { LanguageSample } from './view/overview.ts'

/** Rows between two pauses, in which other questions are answered. */
const rowsPerTurn = 50

/** Looks up the languages of a sample of the usable rows. */
export async function sampleLanguages({ view }: OpenDataset): Promise<LanguageSample> {
  const usable: number[] = []
  for (let row = 0; row < view.table.columns.rows; row += 1) if (view.isUsable(row)) usable.push(row)
  const sampler = createLanguageSampler(await loadLanguageDetector())
  let rows = 0
  for (const place of sampleRows(usable.length)) {
    const { content } = view.read(usable[place] ?? 0)
    if (content !== null) sampler.add(content)
    rows += 1
    if (rows % rowsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return { rows, languages: sampler.shares() }
}

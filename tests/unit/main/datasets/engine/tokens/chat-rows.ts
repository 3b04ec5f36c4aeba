import { awkwardTexts } from './awkward-texts.ts'
import { fuzzedTexts, seededRandom } from './fuzzed-texts.ts'
import { realTexts } from './real-texts.ts'

/** Rows of chats in their commonest form, with every way in which JSON may write a character. */
export function chatRows(count: number, seed: number): Buffer[] {
  const ordinary = realTexts(800, seed)
  const texts = [...awkwardTexts, ...fuzzedTexts(400, seed), ...ordinary]
  const random = seededRandom(seed)
  const pick = (below: number) => Math.floor(random() * below)
  return Array.from({ length: count }, () => {
    const from = random() < 0.5 ? texts : ordinary
    const textOf = () => Array.from({ length: 1 + pick(3) }, () => from[pick(from.length)] ?? '').join(random() < 0.5 ? ' ' : '\n')
    const turns = Array.from({ length: 1 + pick(3) }, () => [
      { role: 'user', content: textOf() },
      { role: 'assistant', content: textOf() },
    ]).flat()
    const messages = random() < 0.4 ? [{ role: 'system', content: textOf() }, ...turns] : turns
    const json = JSON.stringify({ messages })
    const spaced = random() < 0.5 ? json.replaceAll('"},{"role":', '"}, {"role": ').replaceAll('","content":', '", "content": ') : json
    return Buffer.from(random() < 0.2 ? spaced.replaceAll(/[\u0080-\uffff]/g, escapeOf) : spaced)
  })
}

function escapeOf(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

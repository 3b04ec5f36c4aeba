import type { Tokenizer } from '../../../../../../main/features/datasets/engine/row-model.ts'

const control = /<[^<>\s]+>/g
const firstControlId = 1000

/** A tokenizer for tests: one token per UTF-8 byte, one per run of line breaks, one per text such as `<end>`. */
export function createLetterTokenizer(): Tokenizer {
  const texts: string[] = []
  const idOf = (text: string): number => {
    const known = texts.indexOf(text)
    return firstControlId + (known >= 0 ? known : texts.push(text) - 1)
  }
  const encode = (text: string): number[] => {
    const ids: number[] = []
    let from = 0
    const plain = (part: string): void => {
      for (const piece of part.match(/\n+|[^\n]+/g) ?? []) {
        if (piece.startsWith('\n')) ids.push(idOf(piece))
        else ids.push(...Buffer.from(piece))
      }
    }
    for (const { 0: mark, index } of text.matchAll(control)) {
      plain(text.slice(from, index))
      ids.push(idOf(mark))
      from = index + mark.length
    }
    plain(text.slice(from))
    return ids
  }
  return {
    family: 'letters',
    encode,
    count: (text) => encode(text).length,
    bytesOf: (id) => (id < firstControlId ? Uint8Array.of(id) : Buffer.from(texts[id - firstControlId] ?? '')),
    isSpecial: (id) => id >= firstControlId && texts[id - firstControlId]?.startsWith('<') === true,
  }
}

import type { RowContent } from '../row-model.ts'

/** Rows whose language is looked up: enough for shares to within two or three per cent. */
export const languageSampleRows = 2000

/** Tells the language of a text as an ISO 639-1 code; null where it is not clear. */
export type DetectLanguage = (text: string) => string | null

/** Rows in one language. `name` is an ISO 639-1 code or `und` where it is not clear. */
export interface LanguageShare {
  readonly name: string
  readonly title: string
  readonly rows: number
}

/** Counts the languages of the rows it is given. */
export interface LanguageSampler {
  add(content: RowContent): void
  /** Most frequent first. */
  shares(): LanguageShare[]
}

const unclear = 'und'
const unclearTitle = 'Not clear (short, code or mixed)'
const longestText = 2000
const fewestLetters = 20
/** Scripts in which few characters say much. */
const denseScript = /[\u3040-\u9fff\uac00-\ud7af]/
const fencedCode = /```[^]*?(?:```|$)/g

/** Loads the language tables (2 MB), which is why nothing imports them at the start. */
export async function loadLanguageDetector(): Promise<DetectLanguage> {
  const { eld } = await import('eld/medium')
  return (text) => {
    const found = eld.detect(text)
    return found.language !== '' && found.isReliable() ? found.language : null
  }
}

/** Numbers of the rows to look at, one at a chance place in each of equal stretches; the same for the same row count. */
export function sampleRows(rows: number, most: number = languageSampleRows): Uint32Array {
  const count = Math.min(rows, most)
  const sample = new Uint32Array(count)
  for (let index = 0; index < count; index += 1) {
    const from = Math.floor((index * rows) / count)
    const to = Math.floor(((index + 1) * rows) / count)
    // Not every n-th row: files that alternate between two languages would show only one.
    let hash = Math.imul(index + 1, 0x9e3779b1)
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
    sample[index] = from + (((hash ^ (hash >>> 13)) >>> 0) % (to - from))
  }
  return sample
}

/** Creates a sampler; `detect` comes from `loadLanguageDetector`. */
export function createLanguageSampler(detect: DetectLanguage): LanguageSampler {
  const counts = new Map<string, number>()
  return {
    add(content) {
      const text = proseOf(content)
      const language = isProse(text) ? (detect(text) ?? unclear) : unclear
      counts.set(language, (counts.get(language) ?? 0) + 1)
    },
    shares() {
      const titles = new Intl.DisplayNames(['en'], { type: 'language' })
      return [...counts]
        .map(([name, rows]) => ({ name, title: name === unclear ? unclearTitle : (titles.of(name) ?? name), rows }))
        .toSorted((a, b) => b.rows - a.rows || (a.name < b.name ? -1 : 1))
    },
  }
}

/** The beginning of what the model learns to write, without code blocks; of what it reads where there is too little. */
function proseOf(content: RowContent): string {
  const answers = content.messages.filter((message) => message.role === 'assistant')
  const others = content.messages.filter((message) => message.role === 'user')
  let prose = content.text === null ? '' : withoutCode(content.text)
  for (const message of [...answers, ...others]) {
    if (prose.length >= longestText / 4) break
    prose += `${withoutCode(message.content)}\n`
  }
  return prose.slice(0, longestText)
}

/** Too few letters, or letters among too many signs, as in code outside a code block. */
function isProse(text: string): boolean {
  const letters = text.match(/[\p{L}\p{M}]/gu)?.length ?? 0
  const signs = text.match(/[^\p{L}\p{M}\s]/gu)?.length ?? 0
  return letters >= (denseScript.test(text) ? fewestLetters / 4 : fewestLetters) && signs < letters * 0.3
}

function withoutCode(text: string): string {
  return text
    .slice(0, longestText * 4)
    .replaceAll(fencedCode, ' ')
    .trim()
}

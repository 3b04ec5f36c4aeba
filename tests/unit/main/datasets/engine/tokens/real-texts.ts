import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from './fuzzed-texts.ts'

const root = new URL('../../../../../../', import.meta.url).pathname
const longestFile = 400_000

function* filesBelow(folder: string, pattern: RegExp): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path, pattern)
    else if (pattern.test(entry.name)) yield path
  }
}

/** Pieces of 20 to 2,500 UTF-16 units; a cut may part a surrogate pair, which has to be handled too. */
function cut(text: string, random: () => number): string[] {
  const texts: string[] = []
  for (let at = 0; at < text.length;) {
    const length = 20 + Math.floor(random() ** 2 * 2480)
    texts.push(text.slice(at, at + length))
    at += length
  }
  return texts
}

function gather(sources: Iterable<string>, count: number, random: () => number): string[] {
  const texts: string[] = []
  for (const path of sources) {
    texts.push(...cut(readFileSync(path, 'utf8').slice(0, longestFile), random))
    if (texts.length >= count) break
  }
  return texts.slice(0, count)
}

/** So many pieces of real text: half documentation, the rest code, verses in many languages and the app's own samples. */
export function realTexts(count: number, seed: number): string[] {
  const random = seededRandom(seed)
  const modules = join(root, 'node_modules')
  return [
    ...gather(filesBelow(modules, /\.md$/i), Math.floor(count * 0.5), random),
    ...gather(filesBelow(join(modules, 'zod'), /\.[cm]?[jt]s$/), Math.floor(count * 0.2), random),
    ...['zh', 'ru', 'bn', 'ur', 'tr', 'sv', 'fr'].flatMap((language) =>
      gather([join(modules, 'quran-json', 'dist', `quran_${language}.json`)], Math.ceil(count * 0.03), random),
    ),
    ...gather(filesBelow(join(root, 'resources', 'samples'), /\.(jsonl|md)$/), Math.floor(count * 0.09), random),
  ]
}

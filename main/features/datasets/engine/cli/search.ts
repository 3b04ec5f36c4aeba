import { parseArgs } from 'node:util'
import { openFileSearch } from '../search-file.ts'
import type { CommandOutput } from './output.ts'

/**
 * Searches a file that can be read where it stands, without loading the rest of the engine, which takes as long as searching
 * a few hundred megabytes. Null when the command is another one or needs more than that.
 */
export async function quickSearch(argv: readonly string[], output: CommandOutput): Promise<number | null> {
  const wanted = readSearch(argv)
  if (wanted === null) return null
  try {
    const search = await openFileSearch(wanted.file, wanted.text)
    try {
      // Loaded while the second thread of the search starts.
      const { sniffSource } = await import('../sources/sniff.ts')
      if (!(await sniffSource(wanted.file)).isPlain) return null
      printFound(await search.lines(), wanted.json, output)
      return 0
    } finally {
      await search.close()
    }
  } catch {
    // The other way meets the same fault and explains it.
    return null
  }
}

/** Writes the lines that a search found. */
export function printFound(lines: readonly number[], json: boolean, output: CommandOutput): void {
  output.write(json ? `${JSON.stringify({ total: lines.length, lines })}\n` : `${[`${lines.length} rows`, ...lines].join('\n')}\n`)
}

function readSearch(argv: readonly string[]): { file: string; text: string; json: boolean } | null {
  if (argv[0] !== 'search') return null
  try {
    const { positionals, values } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { workers: { type: 'string', default: '2' }, json: { type: 'boolean', default: false } },
    })
    const [, file, text] = positionals
    if (positionals.length !== 3 || file === undefined || !text) return null
    return { file, text, json: values.json }
  } catch {
    return null
  }
}

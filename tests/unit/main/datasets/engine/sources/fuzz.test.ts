import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sniffInput, sniffSource } from '../../../../../../main/features/datasets/engine/sources/sniff.ts'
import { writeWorkingFile } from '../../../../../../main/features/datasets/engine/sources/write-working-file.ts'
import { AppError } from '../../../../../../preload/contract/errors.ts'
import { createMutator } from './byte-mutator.ts'
import { memorySource, readAll } from './memory-source.ts'
import { parquetFixture } from './parquet-fixture.ts'

const isLong = process.env['TUNESMITH_LONG'] === '1'
const casesPerSeed = isLong ? 90_000 : 300
const filesPerSeed = isLong ? 400 : 6
/** Far above what any case takes, and far below what a hang takes. */
const hangMs = 5000

const row = '{"messages":[{"role":"user","content":"Grüße, \\"x\\" 😀"},{"role":"assistant","content":"a\\nb"}]}'
const list = `[\n  ${row},\n  ${row.replace('😀', '\\ud83d')},\n  {"messages": [1.5e3, null, true, {}]}\n]\n`
const table = 'id,prompt,messages\r\n1,"a ""b"", c","[{""role"": ""user""}]"\r\n2,"line\nbreak",x\r\n\r\n3,é,\r\n'
const utf8 = (text: string) => Buffer.from(text)

const seeds: readonly (readonly [name: string, content: Buffer])[] = [
  ['JSON Lines', utf8(`${row}\r\n\n${row}\n{"text":"x"}`)],
  ['JSON list', utf8(list)],
  ['JSON objects one after another', utf8(JSON.stringify(JSON.parse(row), null, 2).repeat(3))],
  ['JSON list in an object', utf8(`{"version":1,"data":${list},"more":[]}`)],
  ['CSV', utf8(table)],
  ['TSV', utf8(table.replaceAll(',', '\t'))],
  ['UTF-8 with mark', utf8(`\ufeff${row}\n${row}\n`)],
  ['UTF-16', Buffer.from(`\ufeff${list}`, 'utf16le')],
  ['windows-1252', Buffer.from(table, 'latin1')],
  ['gzip', gzipSync(list)],
  ['Zstandard', zstdCompressSync(utf8(list.repeat(4)))],
  ['Parquet', parquetFixture()],
  ['Parquet without compression', parquetFixture({ codec: 'UNCOMPRESSED', rowGroupSize: 2 })],
]

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tunesmith-fuzz-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** Runs a case; only failures with a sentence for the user may come out of it. */
async function survive(name: string, run: () => Promise<void>): Promise<void> {
  const start = performance.now()
  try {
    await run()
  } catch (error) {
    if (!(error instanceof AppError)) throw new Error(`${name}: ${String(error)}`, { cause: error })
  }
  if (performance.now() - start > hangMs) throw new Error(`${name}: took ${Math.round(performance.now() - start)} ms`)
}

function assertRows({ rows, lines }: { rows: readonly string[]; lines: readonly number[] }): void {
  if (rows.length !== lines.length) throw new Error(`${rows.length} rows with ${lines.length} lines`)
  let last = 1
  for (const line of lines) {
    if (line < last) throw new Error('lines go backwards')
    last = line
  }
}

describe('damaged files', () => {
  it.each(seeds)(
    'would crash, hang or tear rows apart: %s',
    async (name, content) => {
      // The reader is also given what the sniff would refuse.
      const whole = await sniffInput(memorySource(content))
      expect(whole.problem).toBeNull()
      const mutate = createMutator(
        name.length * 7919,
        seeds.map(([, bytes]) => bytes),
      )
      for (let number = 0; number < casesPerSeed; number += 1) {
        const damaged = mutate(content)
        if (isLong && number % 10_000 === 0) process.stderr.write(`${name}: ${number} of ${casesPerSeed}\n`)
        await survive(`${name} ${number}`, async () => {
          const sniff = number % 3 === 0 ? await sniffInput(memorySource(damaged)) : whole
          if (sniff.problem === null) assertRows(await readAll(damaged, { sniff, chunkBytes: 1 + (number % 97), maxRowBytes: 4096 }))
        })
      }
    },
    isLong ? 3_600_000 : 60_000,
  )

  it.each(seeds)(
    'would leave part of a file behind: %s',
    async (name, content) => {
      const mutate = createMutator(
        name.length * 104_729,
        seeds.map(([, bytes]) => bytes),
      )
      const path = join(folder, 'source')
      const targetPath = join(folder, 'work.jsonl')
      for (let number = 0; number < filesPerSeed; number += 1) {
        writeFileSync(path, mutate(content))
        let isWritten = false
        await survive(`${name} ${number}`, async () => {
          const sniff = await sniffSource(path)
          await writeWorkingFile({
            sources: [{ path, sniff }],
            targetPath,
            placesPath: join(folder, 'work.places'),
            signal: new AbortController().signal,
            onProgress: () => undefined,
          })
          isWritten = true
        })
        expect(readdirSync(folder).toSorted()).toEqual(isWritten ? ['source', 'work.jsonl', 'work.places'] : ['source'])
        rmSync(targetPath, { force: true })
        rmSync(join(folder, 'work.places'), { force: true })
      }
    },
    isLong ? 600_000 : 60_000,
  )
})

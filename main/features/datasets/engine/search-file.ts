import { open, type FileHandle } from 'node:fs/promises'
import { createRowSearch, createSearchRange, type RowSearchOptions } from './pass/search-range.ts'
import { fileChangedCode } from './pass/worker-protocol.ts'
import { compileRowScan } from './rows/byte-scan.ts'
import { createRowReader } from './rows/row-reader.ts'

const chunkBytes = 2 * 1024 * 1024
/** Room for the start of a line whose end comes with the next chunk. */
const carriedBytes = 1024 * 1024
const slotBytes = carriedBytes + chunkBytes
const newline = 10

/** Lines of a plain file whose texts hold a text, in order; a chunk is searched while the next one is read. */
export async function searchFile(path: string, text: string): Promise<number[]> {
  const options = searchOptions(text)
  const search = createRowSearch(options)
  const memory = search.room(2 * slotBytes)
  const found: number[] = []
  let linesBefore = 0
  const file = await open(path)
  try {
    const { size, mtimeMs } = await file.stat()
    const read = (number: number) => readChunk(file, memory, (number % 2) * slotBytes + carriedBytes, number * chunkBytes)
    let carried = 0
    let reading = read(0)
    for (let number = 0; number * chunkBytes < size; number += 1) {
      const slot = (number % 2) * slotBytes + carriedBytes
      const filled = slot + (await reading)
      const isLast = (number + 1) * chunkBytes >= size
      if (!isLast) reading = read(number + 1)
      const end = isLast ? filled : memory.subarray(0, filled).lastIndexOf(newline) + 1
      const start = slot - carried
      // What comes before the chunk is as old as the last round, so a break found there is none of this one.
      if (end <= start || filled - end > carriedBytes) {
        await reading
        const at = number * chunkBytes - carried
        return [...found, ...searchLongLines(file, { from: at, to: size }, options, linesBefore)]
      }
      linesBefore += search.find(start, end, (_, line) => void found.push(linesBefore + line + 1))
      carried = filled - end
      memory.copy(memory, (1 - (number % 2)) * slotBytes + carriedBytes - carried, end, filled)
    }
    const after = await file.stat()
    if (after.size === size && after.mtimeMs === mtimeMs) return found
    throw Object.assign(new Error('The file was changed while it was read.'), { code: fileChangedCode })
  } finally {
    await file.close()
  }
}

function searchOptions(text: string): RowSearchOptions {
  const scanCode = compileRowScan()
  return { rows: createRowReader({ mapping: null, scanCode }), text, scanCode }
}

async function readChunk(file: FileHandle, memory: Buffer, at: number, offset: number): Promise<number> {
  let done = 0
  while (done < chunkBytes) {
    const { bytesRead } = await file.read(memory, at + done, chunkBytes - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

/** The same without reading ahead, for lines that are longer than what is carried over. */
function searchLongLines(
  file: FileHandle,
  { from, to }: { from: number; to: number },
  options: RowSearchOptions,
  linesBefore: number,
): number[] {
  const search = createSearchRange(file.fd, to, options)
  const lines: number[] = []
  let before = linesBefore
  for (let at = from; at < to; at += chunkBytes) {
    const part = search({ number: 0, from: at, to: Math.min(to, at + chunkBytes) }, () => false)
    if (part === null) continue
    for (let place = 2; place < part.length; place += 2) lines.push(before + (part[place] as number) + 1)
    before += part[0] as number
  }
  return lines
}

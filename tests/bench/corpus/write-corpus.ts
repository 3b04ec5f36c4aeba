import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { createRandom } from '../random.ts'
import { createConversationMaker, type CorpusMessage } from './conversation.ts'
import { drawDefect, spoilLine, spoilMessages, type Defect } from './defects.ts'
import { makeNearCopy } from './near-copy.ts'
import type { TextPool } from './pool.ts'

/** A spoilt row; `of` is the line whose copy it is. */
export interface CorpusDefect extends Defect {
  /** 1-based. */
  readonly line: number
  readonly of?: number
}

/** A row that repeats an earlier one. */
export interface CorpusRepeat {
  readonly line: number
  readonly of: number
  readonly kind: 'exact' | 'near'
}

/** What a corpus holds, and where. */
export interface CorpusTruth {
  readonly bytes: number
  readonly rows: number
  readonly seed: number
  /** Hash of the recipe of the text pool. */
  readonly recipe: string
  readonly sha256: string
  readonly defects: readonly CorpusDefect[]
  readonly repeats: readonly CorpusRepeat[]
}

/** How much to write, from which numbers, and where. */
export interface CorpusOptions {
  readonly path: string
  readonly bytes: number
  readonly seed: number
}

interface Row {
  readonly line: number
  readonly messages: readonly CorpusMessage[]
  readonly isEscaped: boolean
  readonly json: Buffer
  readonly defect: Defect | null
}

const exactShare = 0.01
const nearShare = 0.02
const reservoirSize = 2000
const replaceShare = 0.05
const escapedShare = 0.1
const blockBytes = 1024 * 1024

/** Where the list of defects and repeats of a corpus stands. */
export function truthPath(corpus: string): string {
  return `${corpus}.defects.json`
}

/** Writes chat rows until the file has at least `bytes`, and beside it the list of what is wrong or repeated. */
export function writeCorpus(pool: TextPool, { path, bytes, seed }: CorpusOptions): CorpusTruth {
  const random = createRandom(seed)
  const makeRow = createRowMaker(pool, random)
  const defects: CorpusDefect[] = []
  const repeats: CorpusRepeat[] = []
  const partial = `${path}.partial`
  const output = createBlockFile(partial)
  let rows = 0
  while (output.written() < bytes) {
    rows += 1
    const { row, repeat } = makeRow(rows)
    output.append(row.json)
    if (repeat !== null) repeats.push(repeat)
    if (row.defect !== null) defects.push({ line: rows, ...row.defect, ...(repeat === null ? {} : { of: repeat.of }) })
  }
  const truth = { ...output.close(), rows, seed, recipe: pool.recipe, defects, repeats }
  writeFileSync(truthPath(path), JSON.stringify(truth))
  renameSync(partial, path)
  return truth
}

function createRowMaker(pool: TextPool, random: () => number) {
  const makeConversation = createConversationMaker(pool, random)
  const reservoir: Row[] = []
  const keep = (row: Row) => {
    if (reservoir.length < reservoirSize) reservoir.push(row)
    else if (random() < replaceShare) reservoir[Math.floor(random() * reservoirSize)] = row
  }
  const makeFresh = (line: number): Row => {
    const messages = makeConversation()
    const isEscaped = random() < escapedShare
    const kind = drawDefect(random)
    if (kind === null) return { line, messages, isEscaped, json: Buffer.from(toJson(messages, isEscaped)), defect: null }
    const spoilt = spoilMessages(kind, messages)
    const json = spoilLine(kind, toJson(spoilt.messages, isEscaped), random)
    return { line, messages: spoilt.messages, isEscaped, json, defect: spoilt.defect }
  }
  return (line: number): { row: Row; repeat: CorpusRepeat | null } => {
    const drawn = random()
    const earlier = drawn < exactShare + nearShare ? reservoir[Math.floor(random() * reservoir.length)] : undefined
    // A changed copy of a spoilt row would be spoilt in another way than its list says.
    if (earlier !== undefined && (drawn < exactShare || earlier.defect === null)) {
      if (drawn < exactShare) return { row: { ...earlier, line }, repeat: { line, of: earlier.line, kind: 'exact' } }
      const messages = makeNearCopy(earlier.messages, random)
      const json = Buffer.from(toJson(messages, earlier.isEscaped))
      return { row: { ...earlier, line, messages, json }, repeat: { line, of: earlier.line, kind: 'near' } }
    }
    const row = makeFresh(line)
    keep(row)
    return { row, repeat: null }
  }
}

/** One row as a JSON writer would have it; the escaped form is that of Python's default. */
function toJson(messages: readonly CorpusMessage[], isEscaped: boolean): string {
  if (!isEscaped) return JSON.stringify({ messages })
  const turns = messages.map((message) => {
    const entries = Object.entries(message).map(([key, value]) => `"${key}": ${escaped(JSON.stringify(value))}`)
    return `{${entries.join(', ')}}`
  })
  return `{"messages": [${turns.join(', ')}]}`
}

function escaped(json: string): string {
  return json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A file that is written in large blocks and hashed on the way. */
function createBlockFile(path: string) {
  const file = openSync(path, 'w')
  const hash = createHash('sha256')
  let block = Buffer.allocUnsafe(blockBytes)
  let filled = 0
  let flushed = 0
  const flush = () => {
    const part = block.subarray(0, filled)
    hash.update(part)
    for (let done = 0; done < part.length;) done += writeSync(file, part, done)
    flushed += filled
    filled = 0
  }
  return {
    written: () => flushed + filled,
    append(row: Buffer) {
      if (filled + row.length + 1 > block.length) flush()
      if (row.length + 1 > block.length) block = Buffer.allocUnsafe(row.length + 1)
      filled += row.copy(block, filled)
      block[filled] = 10
      filled += 1
    },
    close() {
      flush()
      // What is still to be written would be measured with what comes next.
      fsyncSync(file)
      closeSync(file)
      return { bytes: flushed, sha256: hash.digest('hex') }
    },
  }
}

import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

const eventsPerSegment = 512
const statusBytes = 2048

/** An event as the trainer writes it. */
export type TrainerEvent = { readonly seq: number; readonly attempt: number; readonly t: number; readonly kind: string } & Record<
  string,
  unknown
>

/** SHA-256 in lower-case hexadecimal. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** JSON with sorted keys and no spaces (RFC 8785), as the trainer hashes its configuration. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`
}

/** One run's folder on a volume; every write is whole at once, as nothing of it waits. */
export interface RunFolder {
  readonly path: string
  has(name: string): boolean
  readText(name: string): string | undefined
  readJson(name: string): unknown
  write(name: string, content: string | Uint8Array): void
  names(folder: string): readonly string[]
  remove(name: string): void
  rename(from: string, to: string): void
  newestAttempt(): number
  /** True for the one caller in the world that gets the number. */
  claimAttempt(number: number, note: string): boolean
  openEvents(attempt: number, nowMs: () => number): EventWriter
  readEvents(): readonly TrainerEvent[]
}

/** Appends events of one attempt. */
export interface EventWriter {
  emit(kind: string, fields?: Record<string, unknown>): TrainerEvent
  lastSeq(): number
}

/** Opens the folder of a run; it appears with its first file. */
export function openRunFolder(volumeFolder: string, runId: string): RunFolder {
  const path = join(volumeFolder, 'runs', runId)
  const at = (name: string) => join(path, ...name.split('/'))
  const names = (folder: string) => (existsSync(at(folder)) ? readdirSync(at(folder)).toSorted() : [])
  const readText = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : undefined)
  const write = (name: string, content: string | Uint8Array) => {
    const target = at(name)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(`${target}.tmp-quick`, content)
    renameSync(`${target}.tmp-quick`, target)
  }
  const readEvents = () => segmentNames(names('events')).flatMap((name) => wholeEvents(readFileSync(at(`events/${name}`), 'utf8')))
  return {
    path,
    names,
    readText,
    write,
    readEvents,
    has: (name) => existsSync(at(name)),
    readJson: (name) => parsedOrUndefined(readText(name)),
    remove: (name) => rmSync(at(name), { recursive: true, force: true }),
    rename: (from, to) => renameSync(at(from), at(to)),
    newestAttempt: () =>
      Math.max(
        0,
        ...names('attempts')
          .filter((name) => /^\d+$/.test(name))
          .map(Number),
      ),
    claimAttempt(number, note) {
      mkdirSync(at('attempts'), { recursive: true })
      return createNew(at(`attempts/${String(number).padStart(5, '0')}`), note)
    },
    openEvents(attempt, nowMs) {
      mkdirSync(at('events'), { recursive: true })
      const segments = segmentNames(names('events'))
      segments.forEach((name) => cutTornLine(at(`events/${name}`)))
      let seq = readEvents().at(-1)?.seq ?? 0
      let number = segments.length === 0 ? 0 : segmentNumber(segments.at(-1) ?? '')
      let inSegment = segments.length === 0 ? 0 : wholeEvents(readText(`events/${segments.at(-1) ?? ''}`) ?? '').length
      const latest = new Map<string, TrainerEvent>()
      return {
        lastSeq: () => seq,
        emit(kind, fields = {}) {
          seq += 1
          if (inSegment >= eventsPerSegment) {
            number += 1
            inSegment = 0
          }
          const event: TrainerEvent = { seq, attempt, t: nowMs(), kind, ...fields }
          appendFileSync(at(`events/seg-${String(number).padStart(5, '0')}.jsonl`), `${JSON.stringify(event)}\n`)
          inSegment += 1
          latest.set(kind, event)
          write('status.json', statusText(seq, attempt, event.t, latest))
          return event
        },
      }
    },
  }
}

/** Leaves the durable word that the user stopped a run. */
export function writeStopMark(folder: RunFolder): void {
  if (!folder.has('stop.json')) folder.write('stop.json', JSON.stringify({ v: 1, reason: 'user' }))
}

function createNew(path: string, content: string): boolean {
  try {
    const descriptor = openSync(path, 'wx', 0o644)
    writeFileSync(descriptor, content)
    closeSync(descriptor)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function statusText(seq: number, attempt: number, tMs: number, latest: ReadonlyMap<string, TrainerEvent>): string {
  const kept = new Map<string, TrainerEvent>()
  const text = () => JSON.stringify({ v: 1, attempt, last_seq: seq, t: tMs, latest: Object.fromEntries(kept) })
  for (const kind of ['finished', 'stage', 'step', 'eval', 'checkpoint']) {
    const event = latest.get(kind)
    if (event === undefined) continue
    kept.set(kind, event)
    if (Buffer.byteLength(text()) > statusBytes) kept.delete(kind)
  }
  return text()
}

function segmentNames(names: readonly string[]): readonly string[] {
  return names.filter((name) => /^seg-\d+\.jsonl$/.test(name)).toSorted((a, b) => segmentNumber(a) - segmentNumber(b))
}

function segmentNumber(name: string): number {
  return Number(/\d+/.exec(name)?.[0] ?? 0)
}

function cutTornLine(path: string): void {
  const bytes = readFileSync(path)
  const whole = bytes.lastIndexOf(0x0a) + 1
  if (whole !== statSync(path).size) truncateSync(path, whole)
}

function wholeEvents(text: string): TrainerEvent[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      const event = parsedOrUndefined(line)
      return isEvent(event) ? [event] : []
    })
}

function isEvent(value: unknown): value is TrainerEvent {
  return typeof value === 'object' && value !== null && 'seq' in value && typeof value.seq === 'number' && 'kind' in value
}

function parsedOrUndefined(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    // A file or line cut off by a kill counts as absent.
    return undefined
  }
}

import { closeSync, fstatSync, openSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { parentPort, type MessagePort } from 'node:worker_threads'
import xxhash from 'xxhash-wasm'
import { assertNever } from '../../../../lib/assert-never.ts'
import { createRowReader } from '../rows/row-reader.ts'
import { createCheckRange } from './check-range.ts'
import { createScanRange, createTokenRange } from './fill-range.ts'
import { createRangeReader, type ByteRange } from './range-reader.ts'
import { createSearchRange } from './search-range.ts'
import { createSignRange } from './sign-range.ts'
import { fileChangedCode, type PassJob, type RangeResult, type WorkerAnswer, type WorkerRequest } from './worker-protocol.ts'

type Work = (range: ByteRange, isCancelled: () => boolean) => RangeResult | null

interface WorkMaterial {
  readonly job: PassJob
  readonly fileDescriptor: number
  readonly scanCode: WebAssembly.Module
}

interface OpenJob {
  readonly fileDescriptor: number
  readonly job: PassJob
  readonly work: Work
  readonly isCancelled: () => boolean
}

/** A pass takes what the windows, and the thread that answers them, leave of the processors. */
const niceness = 19

function main(port: MessagePort): void {
  // Only Linux gives each thread a priority of its own; elsewhere that of the process stands.
  if (process.platform === 'linux' && getPriority() < niceness) setPriority(niceness)
  const jobs = new Map<number, OpenJob>()
  const answer = (message: WorkerAnswer) =>
    port.postMessage(message, message.type === 'done' && message.result !== null ? [message.result.columns] : [])

  const handle = async (request: WorkerRequest) => {
    switch (request.type) {
      case 'open':
        jobs.set(request.jobNumber, await openJob(request))
        return
      case 'range': {
        const open = jobs.get(request.jobNumber)
        // A job that could not be opened has already been reported.
        if (open !== undefined)
          answer({ type: 'done', jobNumber: request.jobNumber, range: request.range, result: workOn(open, request.range) })
        return
      }
      case 'close': {
        const open = jobs.get(request.jobNumber)
        jobs.delete(request.jobNumber)
        if (open !== undefined) closeSync(open.fileDescriptor)
        return
      }
      default:
        assertNever(request)
    }
  }
  // Requests are answered one after another, also while a job is still being opened.
  let before: Promise<void> = Promise.resolve()
  port.on('message', (request: WorkerRequest) => {
    const after = before
    const run = async () => {
      await after
      try {
        await handle(request)
      } catch (error) {
        const systemCode = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
        const message = error instanceof Error ? (systemCode === null ? (error.stack ?? error.message) : error.message) : String(error)
        answer({ type: 'failed', jobNumber: request.jobNumber, systemCode, message })
      }
    }
    before = run()
  })
}

async function openJob({ job, cancelFlag, scanCode }: Extract<WorkerRequest, { type: 'open' }>): Promise<OpenJob> {
  const fileDescriptor = openSync(job.path, 'r')
  try {
    refuseChange(fileDescriptor, job)
    const work = await createWork({ job, fileDescriptor, scanCode })
    return { fileDescriptor, job, work, isCancelled: () => cancelFlag[0] !== 0 }
  } catch (error) {
    closeSync(fileDescriptor)
    throw error
  }
}

/** Each pass loads its own part of the engine, so that a check starts without the tables of the others. */
async function createWork({ job, fileDescriptor, scanCode }: WorkMaterial): Promise<Work> {
  const { pass, fileBytes, mapping } = job
  const rows = createRowReader({ mapping, scanCode })
  const ranges = createRangeReader(fileDescriptor, fileBytes)
  switch (pass.kind) {
    case 'check':
      return createCheckRange(ranges, rows, (await xxhash()).h64Raw)
    case 'tokens':
      return withoutFacts(createTokenRange(ranges, rows, (await import('../row-tokens.ts')).openRowTokens(pass.source, pass.route)))
    case 'scan':
      return withoutFacts(createScanRange(ranges, rows, (await import('../hygiene/row-scanner.ts')).createRowScanner()))
    case 'sign':
      return withoutFacts(createSignRange(ranges, rows, (await import('../hygiene/near-duplicates.ts')).createSigner()))
    case 'search': {
      const search = createSearchRange(fileDescriptor, fileBytes, { rows, text: pass.text, scanCode })
      return (range, isCancelled) => {
        const found = search(range, isCancelled)
        return found === null ? null : { facts: null, columns: found.buffer }
      }
    }
    default:
      return assertNever(pass)
  }
}

function withoutFacts(fill: (range: ByteRange, isCancelled: () => boolean) => { columns: ArrayBuffer } | null): Work {
  return (range, isCancelled) => {
    const filled = fill(range, isCancelled)
    return filled === null ? null : { facts: null, columns: filled.columns }
  }
}

function workOn(open: OpenJob, range: ByteRange): RangeResult | null {
  if (open.isCancelled()) return null
  const result = open.work(range, open.isCancelled)
  refuseChange(open.fileDescriptor, open.job)
  return result
}

/** A file that changed while it was read gives rows that never stood in it together. */
function refuseChange(fileDescriptor: number, { fileBytes, changedAtMs }: PassJob): void {
  const { size, mtimeMs } = fstatSync(fileDescriptor)
  if (size === fileBytes && mtimeMs === changedAtMs) return
  throw Object.assign(new Error('The file was changed while it was read.'), { code: fileChangedCode })
}

if (parentPort !== null) main(parentPort)

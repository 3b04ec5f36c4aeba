import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { z } from 'zod'
import * as actions from '../../../preload/contract/worker-actions.ts'
import { quickTrainerVersion } from './quick-adapter.ts'
import { JobRefused } from './quick-training.ts'
import { openRunFolder, sha256Of, writeStopMark } from './run-folder.ts'

const mostListed = 1000
const mostEventBytes = 1 << 20

/** GPU a scripted worker says it has. */
export interface QuickGpu {
  readonly name: string
  readonly memoryGb: number
  readonly count: number
}

/** Answers every small action of the worker contract on a volume's folder; undefined for another action. */
export function answerSmall(action: unknown, input: unknown, volumeFolder: string, gpu: QuickGpu): unknown {
  switch (action) {
    case 'hello':
      return hello(volumeFolder, gpu)
    case 'put':
      return put(parsed(actions.putInputSchema, input), volumeFolder)
    case 'get':
      return get(parsed(actions.getInputSchema, input), volumeFolder)
    case 'list':
      return list(parsed(actions.listInputSchema, input), volumeFolder)
    case 'mark_stop':
      return markStop(parsed(actions.markStopInputSchema, input), volumeFolder)
    case 'read_events':
      return readEvents(parsed(actions.readEventsInputSchema, input), volumeFolder)
    default:
      return undefined
  }
}

/** The input, or a job that fails as the trainer words it. */
export function parsed<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new JobRefused(`INVALID_INPUT: input.${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}. Update the app or the worker.`)
}

function hello(volumeFolder: string, gpu: QuickGpu): unknown {
  mkdirSync(volumeFolder, { recursive: true })
  const disk = statfsSync(volumeFolder)
  return {
    v: 1,
    trainer_version: quickTrainerVersion,
    python: '3.12.3',
    torch: '2.9.1+cu128',
    device: { kind: 'cuda', name: gpu.name, memory_bytes: gpu.memoryGb * 1024 ** 3, count: gpu.count },
    packages: { transformers: '5.0.0', peft: '0.18.0', safetensors: '0.7.0' },
    cuda: '12.8',
    base_models: [],
    disk_free_bytes: disk.bavail * disk.bsize,
    disk_total_bytes: disk.blocks * disk.bsize,
    actions: ['hello', 'train', 'put', 'get', 'list', 'read_events', 'mark_stop'],
  }
}

function put(input: z.infer<typeof actions.putInputSchema>, volumeFolder: string): unknown {
  const { key, sha256, total_bytes: total, offset } = input
  const target = join(volumeFolder, ...key.split('/'))
  const part = join(dirname(target), '.uploads', `${sha256}.part`)
  const reply = (received: number) => ({ v: 1, key, received_bytes: received, is_complete: existsSync(target) })
  if (existsSync(target)) return reply(total)
  mkdirSync(dirname(part), { recursive: true })
  const before = existsSync(part) ? readFileSync(part) : Buffer.alloc(0)
  const sent = Buffer.from(input.data, 'base64')
  const data = input.encoding === 'gzip' ? gunzipSync(sent) : sent
  if (offset > before.length || offset + data.length <= before.length) {
    if (before.length < total) return reply(before.length)
  }
  const whole = offset > before.length ? before : Buffer.concat([before.subarray(0, offset), data])
  writeFileSync(part, whole)
  if (whole.length < total) return reply(whole.length)
  if (whole.length > total || sha256Of(whole) !== sha256) {
    rmSync(part)
    throw new JobRefused('DATASET_MISMATCH: The pieces do not add up to the training file. Send it again.')
  }
  renameSync(part, target)
  return reply(total)
}

function get(input: z.infer<typeof actions.getInputSchema>, volumeFolder: string): unknown {
  const path = join(volumeFolder, ...input.key.split('/'))
  if (!existsSync(path) || !lstatSync(path).isFile())
    throw new JobRefused(`NOT_FOUND: ${input.key} is not a file on the volume of this worker.`)
  const all = readFileSync(path)
  const piece = all.subarray(input.offset, input.offset + input.max_bytes)
  const packed = gzipSync(piece)
  const isPacked = packed.length < piece.length * 0.9
  return {
    v: 1,
    key: input.key,
    offset: input.offset,
    bytes: piece.length,
    total_bytes: all.length,
    sha256: sha256Of(piece),
    encoding: isPacked ? 'gzip' : 'identity',
    data: (isPacked ? packed : piece).toString('base64'),
  }
}

function list(input: z.infer<typeof actions.listInputSchema>, volumeFolder: string): unknown {
  const files = filesBelow(volumeFolder, input.prefix)
  return { v: 1, files: files.slice(0, mostListed), is_truncated: files.length > mostListed }
}

function filesBelow(volumeFolder: string, key: string): { key: string; bytes: number; modified_ms: number }[] {
  const path = join(volumeFolder, ...key.split('/'))
  if (!existsSync(path)) return []
  const facts = lstatSync(path)
  if (facts.isFile()) return [{ key, bytes: facts.size, modified_ms: Math.floor(statSync(path).mtimeMs) }]
  if (!facts.isDirectory()) return []
  const names = readdirSync(path).toSorted()
  return names.filter((name) => !name.startsWith('.')).flatMap((name) => filesBelow(volumeFolder, `${key}/${name}`))
}

function markStop(input: z.infer<typeof actions.markStopInputSchema>, volumeFolder: string): unknown {
  writeStopMark(openRunFolder(volumeFolder, input.run_id))
  return { v: 1, run_id: input.run_id }
}

function readEvents(input: z.infer<typeof actions.readEventsInputSchema>, volumeFolder: string): unknown {
  const folder = openRunFolder(volumeFolder, input.run_id)
  if (!existsSync(folder.path)) throw new JobRefused(`NOT_FOUND: Run ${input.run_id} is not on the volume of this worker.`)
  const later = folder.readEvents().filter((event) => event.seq > input.after_seq)
  const events = []
  let room = mostEventBytes
  for (const event of later) {
    const length = JSON.stringify(event).length
    if (events.length === input.max_events || (events.length > 0 && length > room)) break
    events.push(event)
    room -= length
  }
  return { v: 1, run_id: input.run_id, events, has_more: events.length < later.length }
}

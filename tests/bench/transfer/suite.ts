import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatMs } from '../format-ms.ts'
import { median, type Measurement } from '../measure.ts'
import { plainSha256 } from '../plain-hash.ts'
import { createAwsMover, createCurlMover, createOwnMover, type Direction, type Moved, type Mover, type MoverName } from './contenders.ts'
import { writeInputs, type TransferInputs } from './inputs.ts'
import { startStorage, type StorageProcess } from './storage-process.ts'

/** Names of the figures of large files on their way to a network volume and back. */
export const transferFigures = [
  'transfer.download-curl',
  'transfer.upload-curl',
  'transfer.download-aws',
  'transfer.upload-aws',
  'transfer.memory',
  'transfer.memory-large',
] as const
type TransferFigure = (typeof transferFigures)[number]
type Round = Readonly<Record<Direction, ReadonlyMap<MoverName, Moved>>>

const blocks = 1024
const largeBlocks = 4096
const megabyte = 1_000_000
const mostMemoryMb = 150
const names: readonly MoverName[] = ['curl', 'aws', 'tunesmith']
const directions: readonly Direction[] = ['up', 'down']

/** Moves the same file with each client in turn, over one storage on loopback; who begins changes with each round. */
export async function measureTransfer(options: {
  rounds: number
  isChosen: (figure: { readonly name: string }) => boolean
  say: (line: string) => void
}): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tunesmith-bench-'))
  const storage = await startStorage(join(folder, 'volumes'))
  try {
    const isLargeOnly = transferFigures.every((name) => name === 'transfer.memory-large' || !options.isChosen({ name }))
    const rounds = isLargeOnly ? [] : await moveInRounds(storage, folder, options)
    const measurements = rounds.length === 0 ? [] : summarise(rounds)
    if (options.isChosen({ name: 'transfer.memory-large' })) {
      options.say('4 GiB up and down with Tunesmith')
      measurements.push(memoryFigure('transfer.memory-large', await moveLarge(storage, folder)))
    }
    return measurements.filter(options.isChosen)
  } finally {
    await storage.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function moveInRounds(
  storage: StorageProcess,
  folder: string,
  options: { rounds: number; say: (line: string) => void },
): Promise<Round[]> {
  const inputs = await writeInputs(folder, blocks, true)
  const movers: Readonly<Record<MoverName, Mover>> = {
    curl: createCurlMover(storage, inputs.parts),
    aws: createAwsMover(storage, folder),
    tunesmith: createOwnMover(storage, folder, inputs.sha256),
  }
  const rounds: Round[] = []
  for (let round = 1; round <= options.rounds; round += 1) {
    options.say(`Round ${round} of ${options.rounds}: 1 GiB up and down with curl, the AWS client and Tunesmith`)
    const moved = { up: new Map<MoverName, Moved>(), down: new Map<MoverName, Moved>() }
    const order = names.map((_, index) => names[(index + round) % names.length] ?? 'curl')
    for (const name of order) moved.up.set(name, await moveUp(movers[name], storage, inputs, `up/${name}`))
    await movers.tunesmith('up', 'down/file', inputs.file)
    for (const name of order) moved.down.set(name, await moveDown(movers[name], inputs, join(folder, 'back')))
    await rm(storage.fileOf('down/file'))
    rounds.push(moved)
  }
  return rounds
}

async function moveUp(move: Mover, storage: StorageProcess, inputs: TransferInputs, key: string): Promise<Moved> {
  const moved = await move('up', key, inputs.file)
  await demandSame(storage.fileOf(key), inputs)
  return moved
}

async function moveDown(move: Mover, inputs: TransferInputs, back: string): Promise<Moved> {
  const moved = await move('down', 'down/file', back)
  await demandSame(back, inputs)
  return moved
}

/** A client that left something out has not done the work; the copy makes room for the next one. */
async function demandSame(path: string, { sha256 }: TransferInputs): Promise<void> {
  if ((await plainSha256(path)) !== sha256) throw new Error(`${path} is not what was moved`)
  await rm(path)
}

/** Most memory above idle of both ways, in bytes. */
async function moveLarge(storage: StorageProcess, folder: string): Promise<readonly number[]> {
  const inputs = await writeInputs(folder, largeBlocks, false)
  const work = join(folder, 'large')
  await mkdir(work)
  const move = createOwnMover(storage, work, inputs.sha256)
  const up = await move('up', 'large', inputs.file)
  await rm(inputs.file)
  const down = await moveDownLarge(move, inputs, join(work, 'back'))
  await rm(storage.fileOf('large'))
  return [up, down].map(({ memoryBytes = Number.NaN }) => memoryBytes)
}

async function moveDownLarge(move: Mover, inputs: TransferInputs, back: string): Promise<Moved> {
  const moved = await move('down', 'large', back)
  await demandSame(back, inputs)
  return moved
}

function summarise(rounds: readonly Round[]): Measurement[] {
  const of = (name: MoverName, direction: Direction) => rounds.map((round) => round[direction].get(name)?.ms ?? Number.NaN)
  const compare = (name: TransferFigure, direction: Direction, reference: MoverName, target: number): Measurement => {
    const [own, other] = [of('tunesmith', direction), of(reference, direction)]
    const ratio = median(own.map((ms, round) => (other[round] ?? Number.NaN) / ms))
    const [tunesmithMs, referenceMs] = [median(own), median(other)]
    const [work, against] = words[name]
    const sides = { tunesmith: formatMs(tunesmithMs), reference: formatMs(referenceMs) }
    const shared = { name, work, against, target, rounds: rounds.length, ratio, ...sides }
    return { ...shared, isAtLeast: true, unit: '×', extra: { tunesmithMs, referenceMs }, ok: ratio >= target }
  }
  const memory = rounds.flatMap((round) => directions.map((direction) => round[direction].get('tunesmith')?.memoryBytes ?? Number.NaN))
  return [
    compare('transfer.download-curl', 'down', 'curl', 0.8),
    compare('transfer.upload-curl', 'up', 'curl', 0.8),
    compare('transfer.download-aws', 'down', 'aws', 1),
    compare('transfer.upload-aws', 'up', 'aws', 1),
    memoryFigure('transfer.memory', memory),
  ]
}

function memoryFigure(name: 'transfer.memory' | 'transfer.memory-large', bytes: readonly number[]): Measurement {
  const value = Math.max(...bytes) / megabyte
  const [work, against] = words[name]
  const sides = { tunesmith: `${Math.round(value)} MB`, reference: '–' }
  const shared = { name, work, against, target: mostMemoryMb, rounds: bytes.length / directions.length, ratio: value, ...sides }
  return { ...shared, isAtLeast: false, unit: 'MB', extra: {}, ok: value <= mostMemoryMb }
}

const words: Readonly<Record<TransferFigure, readonly [work: string, against: string]>> = {
  'transfer.download-curl': [
    'fetches 1 GiB from a network volume on loopback, in ranges, onto the disk',
    '`curl`, one request, and flush; how many times faster',
  ],
  'transfer.upload-curl': [
    'sends 1 GiB to a network volume on loopback: hashed, in parts, put together, looked at',
    '`curl`, four signed parts at a time that lie ready as files with their hashes, put together; how many times faster',
  ],
  'transfer.download-aws': ['the same download', '`aws s3 cp` and flush, its start included; how many times faster'],
  'transfer.upload-aws': ['the same upload', '`aws s3 cp`, its start included; how many times faster'],
  'transfer.memory': ['most memory above idle of these transfers, in MB', ''],
  'transfer.memory-large': ['the same for 4 GiB', ''],
}

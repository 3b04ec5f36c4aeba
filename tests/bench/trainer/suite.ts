import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { pythonCommand, readOutput, runChild } from '../datasets/run-child.ts'
import { formatMs } from '../format-ms.ts'
import { median, type Measurement } from '../measure.ts'

/** Names of the figures of the training loop against TRL. */
export const trainerFigures = ['trainer.tokens-per-second', 'trainer.overhead', 'trainer.peak-memory'] as const
type TrainerFigure = (typeof trainerFigures)[number]

const steps = 12
const megabyte = 1_000_000
/** Both train the same rows from the same weights, in another order: their mean losses are this close. */
const lossTolerance = 0.01
const trainedSchema = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  tokens: z.int(),
  steps: z.int(),
  loss: z.number(),
  overheadSeconds: z.number().optional(),
})
type Trained = z.infer<typeof trainedSchema> & { readonly peakBytes: number }
interface Round {
  readonly own: Trained
  readonly reference: Trained
}

/** Trains the same rows with both, a process each, alternately; which goes first changes. */
export async function measureTrainer(options: { rounds: number; say: (line: string) => void }): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tunesmith-bench-'))
  try {
    const workload = join(folder, 'workload')
    await mkdir(workload)
    await runScript('workload', [workload, String(steps)], join(folder, 'workload.out'))
    const train = async (script: 'train_own' | 'train_trl'): Promise<Trained> => {
      const figures = join(folder, `${script}.json`)
      const { peakBytes } = await runScript(script, [workload, figures], join(folder, `${script}.out`))
      return { ...(await readOutput(figures, trainedSchema)), peakBytes }
    }
    const rounds: Round[] = []
    for (let number = 1; number <= options.rounds; number += 1) {
      options.say(`Round ${number} of ${options.rounds}: ${steps} steps with TRL and with Tunesmith`)
      const early = number % 2 === 0 ? await train('train_own') : undefined
      const reference = await train('train_trl')
      rounds.push({ reference, own: early ?? (await train('train_own')) })
    }
    rounds.forEach(demandSameWork)
    return [speed(rounds), overhead(rounds), peak(rounds)]
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function runScript(name: string, args: readonly string[], outputPath: string) {
  const script = fileURLToPath(new URL(`./python/${name}.py`, import.meta.url))
  return runChild([pythonCommand(), script, ...args], outputPath)
}

function demandSameWork({ own, reference }: Round): void {
  const isSame = own.tokens === reference.tokens && own.steps === steps && reference.steps === steps
  if (!isSame || !(Math.abs(own.loss / reference.loss - 1) < lossTolerance))
    throw new Error(`The trainers did different work: ${JSON.stringify({ own, reference })}`)
}

function speed(rounds: readonly Round[]): Measurement {
  const rate = ({ tokens, seconds }: Trained) => tokens / seconds
  const ratio = median(rounds.map(({ own, reference }) => rate(own) / rate(reference)))
  // Processor time, which other programs that run meanwhile disturb less.
  const cpuRatio = median(rounds.map(({ own, reference }) => reference.cpuSeconds / own.cpuSeconds))
  const ownTokensPerS = median(rounds.map(({ own }) => rate(own)))
  const referenceTokensPerS = median(rounds.map(({ reference }) => rate(reference)))
  const sides = { tunesmith: `${Math.round(ownTokensPerS)} tokens/s`, reference: `${Math.round(referenceTokensPerS)} tokens/s` }
  return figure('trainer.tokens-per-second', 1, rounds, ratio, true, sides, { cpuRatio, ownTokensPerS, referenceTokensPerS })
}

function overhead(rounds: readonly Round[]): Measurement {
  const shares = rounds.map(({ own }) => (own.overheadSeconds ?? Number.NaN) / own.seconds)
  const perStep = (seconds: (own: Trained) => number) => formatMs((1000 * median(rounds.map(({ own }) => seconds(own)))) / steps)
  const sides = {
    tunesmith: perStep(({ overheadSeconds }) => overheadSeconds ?? Number.NaN),
    reference: perStep(({ seconds }) => seconds),
  }
  return figure('trainer.overhead', 0.02, rounds, median(shares), false, sides, {})
}

function peak(rounds: readonly Round[]): Measurement {
  const ratio = median(rounds.map(({ own, reference }) => own.peakBytes / reference.peakBytes))
  const megabytes = (of: (round: Round) => Trained) => Math.round(median(rounds.map((round) => of(round).peakBytes)) / megabyte)
  const [ownMb, referenceMb] = [megabytes(({ own }) => own), megabytes(({ reference }) => reference)]
  const sides = { tunesmith: `${ownMb} MB`, reference: `${referenceMb} MB` }
  return figure('trainer.peak-memory', 1, rounds, ratio, false, sides, { ownMb, referenceMb })
}

const words: Readonly<Record<TrainerFigure, readonly [work: string, against: string]>> = {
  'trainer.tokens-per-second': [
    'trains LoRA on 192 rows of a 10-million-weight Qwen3 on this CPU, with events and checkpoints',
    'TRL’s `SFTTrainer`, rows grouped by length, no events or checkpoints; how many times faster',
  ],
  'trainer.overhead': ['what a step of that takes beside model, gradient and optimizer', 'the whole step'],
  'trainer.peak-memory': ['most memory of that process', 'TRL’s process'],
}

function figure(
  name: TrainerFigure,
  target: number,
  rounds: readonly Round[],
  ratio: number,
  isAtLeast: boolean,
  sides: { readonly tunesmith: string; readonly reference: string },
  extra: Readonly<Record<string, number>>,
): Measurement {
  const [work, against] = words[name]
  const ok = isAtLeast ? ratio >= target : ratio <= target
  return { name, work, against, target, rounds: rounds.length, ratio, ...sides, isAtLeast, unit: '×', extra, ok }
}

import type { DatasetStats, DatasetTokens, Histogram } from '../../../../preload/contract/datasets.ts'
import type { Hyperparameters } from '../../../../preload/contract/hyperparameters.ts'
import { heldOutRows } from '../presets.ts'
import { exactly, scaled, widened, type Likely } from './likely.ts'

/** Token counts of a dataset; unless `isOfThisModel` is true, another model's tokenizer may have counted. */
export interface TokenFacts extends DatasetTokens {
  readonly isOfThisModel?: boolean
  /** Tokens of each row as a histogram, which tells how much `max_length` cuts. */
  readonly lengths?: Histogram | null
}

/** The dataset's figures that decide how much there is to do. */
export interface DatasetSize {
  readonly validRows: number
  readonly stats: DatasetStats | null
  readonly tokens?: TokenFacts | null
}

/** Everything a run computes, before any speed comes in. */
export interface Workload {
  readonly rowsTrain: number
  readonly rowsEval: number
  readonly steps: number
  readonly stepsPerEpoch: number
  /** Tokens of the rows of one epoch, held-out rows included, as the user reads them. */
  readonly tokensOfRows: Likely
  /** Tokens that go forward and backward in all steps. */
  readonly tokensTrained: Likely
  /** Passes through the model in all steps. */
  readonly passes: Likely
  /** Evaluations with the one before the first step. */
  readonly evaluations: number
  /** Tokens of all evaluations, which only go forward. */
  readonly tokensEvaluated: Likely
  readonly checkpoints: number
  /** `counted` by this model's tokenizer, `similar` by another one's, `guessed` from characters. */
  readonly tokenSource: 'counted' | 'similar' | 'guessed'
  readonly isCut: boolean
}

const charactersPerToken = { low: 3, mid: 4, high: 5 }
/** Tokenizers of different families disagree by about this much on the same text. */
const otherTokenizerSpread = 0.12

/** Works out steps, tokens, passes and evaluations of a run, as the trainer itself does. */
export function workloadOf(dataset: DatasetSize, hyperparameters: Hyperparameters): Workload {
  const { validRows } = dataset
  const rowsEval = heldOutRows(validRows, hyperparameters.eval_fraction)
  const rowsTrain = validRows - rowsEval
  const { steps, stepsPerEpoch } = countSteps(rowsTrain, hyperparameters)
  const found = tokensPerRow(dataset, hyperparameters.max_length)
  const epochsTrained = stepsPerEpoch === 0 ? 0 : steps / stepsPerEpoch
  const tokensTrained = scaled(found.kept, rowsTrain * epochsTrained)
  const evaluations = countEvaluations({ steps, stepsPerEpoch, rowsEval }, hyperparameters)
  return {
    rowsTrain,
    rowsEval,
    steps,
    stepsPerEpoch,
    tokensOfRows: scaled(found.whole, validRows),
    tokensTrained,
    passes: countPasses(tokensTrained, steps, hyperparameters),
    evaluations,
    tokensEvaluated: scaled(found.kept, rowsEval * evaluations),
    checkpoints: Math.floor(steps / hyperparameters.save_every_steps) + (steps > 0 ? 1 : 0),
    tokenSource: found.source,
    isCut: found.isCut,
  }
}

/** Optimizer steps of a run; `max_steps` cuts it short. */
function countSteps(rowsTrain: number, hyperparameters: Hyperparameters): { steps: number; stepsPerEpoch: number } {
  const stepsPerEpoch = Math.ceil(rowsTrain / rowsPerStep(hyperparameters))
  const steps = Math.min(stepsPerEpoch * hyperparameters.num_train_epochs, hyperparameters.max_steps ?? Number.POSITIVE_INFINITY)
  return { steps, stepsPerEpoch }
}

/** Rows that one optimizer step learns from. */
export function rowsPerStep(hyperparameters: Hyperparameters): number {
  return hyperparameters.per_device_train_batch_size * hyperparameters.gradient_accumulation_steps
}

interface TokensPerRow {
  readonly whole: Likely
  /** After rows longer than `max_length` are cut. */
  readonly kept: Likely
  readonly source: Workload['tokenSource']
  readonly isCut: boolean
}

function tokensPerRow({ validRows, stats, tokens }: DatasetSize, maxLength: number): TokensPerRow {
  if (tokens !== undefined && tokens !== null && tokens.rows > 0) {
    const isCut = tokens.longestRow > maxLength
    const isOfThisModel = tokens.isOfThisModel ?? false
    const spread = isOfThisModel ? 0 : otherTokenizerSpread
    return {
      whole: widened(exactly(tokens.total / tokens.rows), spread),
      kept: widened(scaled(isCut ? keptTokens(tokens, maxLength) : exactly(tokens.total), 1 / tokens.rows), spread),
      source: isOfThisModel ? 'counted' : 'similar',
      isCut,
    }
  }
  const characters = validRows === 0 ? 0 : (stats?.characters ?? 0) / validRows
  const whole = {
    low: characters / charactersPerToken.high,
    mid: characters / charactersPerToken.mid,
    high: characters / charactersPerToken.low,
  }
  const kept = { low: Math.min(whole.low, maxLength), mid: Math.min(whole.mid, maxLength), high: Math.min(whole.high, maxLength) }
  const isCut = (stats?.longestRowCharacters ?? 0) / charactersPerToken.low > maxLength
  return { whole, kept, source: 'guessed', isCut }
}

/** Tokens that remain of all rows when each keeps at most `maxLength`. */
function keptTokens(tokens: TokenFacts, maxLength: number): Likely {
  if (tokens.lengths !== undefined && tokens.lengths !== null) return keptByHistogram(tokens, tokens.lengths, maxLength)
  const { total, rows, longestRow } = tokens
  const excess = longestRow - maxLength
  // Least is lost when one row alone is too long, most when as many rows as there can be are as long as the longest.
  const high = Math.min(total - excess, rows * maxLength)
  const low = Math.min(high, Math.max(0, total - Math.floor(total / longestRow) * excess))
  return { low, mid: (low + high) / 2, high }
}

function keptByHistogram({ total, rows, longestRow }: TokenFacts, { edges, counts }: Histogram, maxLength: number): Likely {
  let least = 0
  let most = 0
  let counted = 0
  for (const [bin, count] of counts.entries()) {
    const from = edges[bin] ?? 0
    const to = Math.min(longestRow, edges[bin + 1] ?? longestRow)
    least += count * Math.max(0, from - maxLength)
    most += count * Math.max(0, to - maxLength)
    counted += count
  }
  const share = counted === 0 ? 1 : rows / counted
  const high = Math.max(0, Math.min(total - least * share, rows * maxLength))
  const low = Math.min(high, Math.max(0, total - most * share))
  return { low, mid: (low + high) / 2, high }
}

/**
 * Passes through the model: the rows of a step are laid out in micro-batches of at most rows × `max_length` tokens.
 * Packed they fill those; unpacked, rows of different lengths begin a new one, at worst one for each row.
 */
function countPasses(tokensTrained: Likely, steps: number, hyperparameters: Hyperparameters): Likely {
  if (steps === 0) return exactly(0)
  const capacity = hyperparameters.per_device_train_batch_size * hyperparameters.max_length
  const full = (tokens: number) => steps * Math.max(1, Math.ceil(tokens / steps / capacity))
  const { low, mid, high } = { low: full(tokensTrained.low), mid: full(tokensTrained.mid), high: full(tokensTrained.high) }
  if (hyperparameters.packing) return { low, mid, high: 2 * high }
  const perRow = steps * rowsPerStep(hyperparameters)
  return { low, mid: Math.max(mid, (low + perRow) / 2), high: Math.max(high, perRow) }
}

/** The base before the first step, even distances within each epoch, and the end; none without held-out rows. */
function countEvaluations(
  { steps, stepsPerEpoch, rowsEval }: { steps: number; stepsPerEpoch: number; rowsEval: number },
  { evals_per_epoch: perEpoch }: Hyperparameters,
): number {
  if (rowsEval === 0 || steps === 0) return 0
  const places = new Set(
    Array.from({ length: perEpoch }, (_, index) => Math.max(1, roundHalfEven(((index + 1) * stepsPerEpoch) / perEpoch))),
  )
  const rest = steps % stepsPerEpoch
  const inRest = [...places].filter((place) => place <= rest).length
  const atEnd = rest > 0 && !places.has(rest) ? 1 : 0
  return 1 + Math.floor(steps / stepsPerEpoch) * places.size + inRest + atEnd
}

/** As the trainer's Python rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

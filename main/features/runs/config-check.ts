import { AppError } from '../../../preload/contract/errors.ts'
import { hyperparametersSchema, type Hyperparameters } from '../../../preload/contract/hyperparameters.ts'
import type { ModelFacts } from '../../../preload/contract/models.ts'
import type { EndpointFacts } from './ports.ts'
import { heldOutRows } from './presets.ts'

/** One hyperparameter that cannot be used, by its name. */
export interface ConfigIssue {
  readonly field: string
  readonly message: string
}

/** What the values are to be used with; null where it is not known. */
interface Surroundings {
  readonly model: ModelFacts | null
  readonly endpoint: Pick<EndpointFacts, 'hasCuda'> | null
  readonly validRows: number
}

/** Ranges of each value and what values ask of each other, of the model, the endpoint and the data. */
export function checkHyperparameters(values: Hyperparameters, { model, endpoint, validRows }: Surroundings): readonly ConfigIssue[] {
  const parsed = hyperparametersSchema.safeParse(values)
  if (!parsed.success) {
    return parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), message: `${issue.path.join('.')}: ${issue.message}` }))
  }
  const issues: ConfigIssue[] = []
  const contextLength = model?.contextLength ?? null
  if (contextLength !== null && values.max_length > contextLength) {
    issues.push({ field: 'max_length', message: `max_length: this model reads at most ${contextLength} tokens at once.` })
  }
  const rowsTrain = validRows - heldOutRows(validRows, values.eval_fraction)
  const batch = values.per_device_train_batch_size * values.gradient_accumulation_steps
  if (validRows > 0 && batch > rowsTrain) {
    issues.push({
      field: 'gradient_accumulation_steps',
      message: `gradient_accumulation_steps: one step would need ${batch} rows, the dataset has ${rowsTrain} to train on.`,
    })
  }
  if (values.load_in_4bit && endpoint !== null && !endpoint.hasCuda) {
    issues.push({ field: 'load_in_4bit', message: 'load_in_4bit: a 4-bit base needs an NVIDIA GPU, which this endpoint does not have.' })
  }
  return issues
}

/** Throws RUN_CONFIG_INVALID naming the first field that cannot be used. */
export function assertHyperparameters(values: Hyperparameters, surroundings: Surroundings): void {
  const issues = checkHyperparameters(values, surroundings)
  const first = issues[0]
  if (first !== undefined) throw new AppError('RUN_CONFIG_INVALID', first.message, { details: { issues } })
}

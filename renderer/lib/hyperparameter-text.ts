import { z } from 'zod'
import { hyperparametersSchema, type Hyperparameters, type Preset } from '../../preload/contract/hyperparameters.ts'

/** Name of one training setting, as Hugging Face writes it. */
export type HyperparameterName = keyof Hyperparameters

interface HyperparameterText {
  readonly label: string
  readonly hint: string
  /** What an empty value means; only settings that may be empty have it. */
  readonly empty?: string
}

/** What every setting is called and does, in words that need no background. */
export const hyperparameterTexts: Readonly<Record<HyperparameterName, HyperparameterText>> = {
  learning_rate: { label: 'Learning rate', hint: 'Size of each correction. Higher learns faster and forgets more of what the model knew.' },
  num_train_epochs: { label: 'Epochs', hint: 'How many times the whole dataset is read.' },
  max_steps: { label: 'Step limit', hint: 'Ends the run after this many corrections. Empty means no limit.', empty: 'No limit' },
  per_device_train_batch_size: { label: 'Batch size', hint: 'Conversations read at once. More is faster and takes more memory.' },
  gradient_accumulation_steps: { label: 'Accumulated batches', hint: 'Batches read before one correction is made.' },
  max_length: { label: 'Longest row', hint: 'In tokens. Longer conversations are cut at this length.' },
  lora_r: { label: 'Adapter rank', hint: 'Size of the adapter. A larger one can learn more and makes a larger file.' },
  lora_alpha: { label: 'Adapter strength', hint: 'How strongly the adapter acts on the base model.' },
  lora_dropout: { label: 'Adapter dropout', hint: 'Share of the adapter switched off at random in each step, against learning by heart.' },
  lr_scheduler_type: { label: 'Learning-rate curve', hint: 'How the learning rate changes over the run.' },
  warmup_ratio: { label: 'Warm-up', hint: 'Share of the run over which the learning rate rises from zero.' },
  weight_decay: { label: 'Weight decay', hint: 'Pulls the adapter towards zero in each step. Rarely needed.' },
  max_grad_norm: {
    label: 'Largest correction',
    hint: 'Corrections larger than this are shortened, so that one odd row cannot upset the run.',
  },
  eval_fraction: { label: 'Held-out share', hint: 'Share of the conversations kept out of training to measure with.' },
  evals_per_epoch: { label: 'Measurements per epoch', hint: 'How often the held-out conversations are measured.' },
  save_every_steps: { label: 'Steps between checkpoints', hint: 'After an interruption the run goes on from the last checkpoint.' },
  packing: {
    label: 'Packing',
    hint: 'Lays short conversations end to end, each on its own. Faster, with the same result. The trainer turns it off for models that would mix them.',
  },
  load_in_4bit: {
    label: '4-bit base',
    hint: 'Loads the base model in a quarter of the memory. Slower and a little less exact; for models that do not fit otherwise.',
  },
  early_stopping_patience: {
    label: 'Early stopping',
    hint: 'Ends the run after this many measurements without improvement and keeps the best state. Empty means off.',
    empty: 'Off',
  },
  seed: { label: 'Seed', hint: 'The same seed gives the same order of rows and the same held-out share.' },
}

/** Settings in reading order, in named groups. */
export const hyperparameterGroups: readonly { readonly title: string; readonly names: readonly HyperparameterName[] }[] = [
  { title: 'Length of the run', names: ['num_train_epochs', 'max_steps', 'early_stopping_patience', 'max_length'] },
  {
    title: 'Learning',
    names: [
      'learning_rate',
      'lr_scheduler_type',
      'warmup_ratio',
      'per_device_train_batch_size',
      'gradient_accumulation_steps',
      'weight_decay',
      'max_grad_norm',
    ],
  },
  { title: 'Adapter', names: ['lora_r', 'lora_alpha', 'lora_dropout'] },
  { title: 'Memory and speed', names: ['packing', 'load_in_4bit'] },
  { title: 'Measuring and saving', names: ['eval_fraction', 'evals_per_epoch', 'save_every_steps', 'seed'] },
]

/** The presets' names as shown. */
export const presetLabels: Readonly<Record<Preset, string>> = { fast: 'Fast', balanced: 'Balanced', quality: 'Quality', custom: 'Custom' }

interface NumberRange {
  readonly low: number
  readonly high: number
  readonly isWhole: boolean
  readonly isOptional: boolean
}

/** Bounds of a setting, read from the contract so that the form and main can never disagree; null for a choice. */
export function rangeOf(name: HyperparameterName): NumberRange | null {
  const schema = schemaOf(name)
  const isOptional = schema instanceof z.ZodNullable
  const inner = isOptional ? schema.unwrap() : schema
  if (!(inner instanceof z.ZodNumber)) return null
  return { low: inner.minValue ?? 0, high: inner.maxValue ?? Number.MAX_SAFE_INTEGER, isWhole: inner.format === 'safeint', isOptional }
}

/** Allowed values of a setting that is a choice; empty for a number. */
export function choicesOf(name: HyperparameterName): readonly string[] {
  const schema = schemaOf(name)
  if (schema instanceof z.ZodBoolean) return [switchTexts.on, switchTexts.off]
  return schema instanceof z.ZodEnum ? schema.options.map(String) : []
}

/** True for a setting that is either on or off. */
export function isSwitch(name: HyperparameterName): boolean {
  return schemaOf(name) instanceof z.ZodBoolean
}

/** How the two states of a switch are written. */
export const switchTexts = { on: 'On', off: 'Off' } as const

/** The schema of a setting without its default, which only fills in what older runs lack. */
function schemaOf(name: HyperparameterName): z.ZodType {
  const schema: z.ZodType = hyperparametersSchema.shape[name]
  const inner = schema instanceof z.ZodDefault ? schema.unwrap() : schema
  return inner instanceof z.ZodType ? inner : schema
}

/** How a value is written in a field or a table; reading it back gives the same value. */
export function writeHyperparameter(value: Hyperparameters[HyperparameterName]): string {
  if (typeof value === 'boolean') return value ? switchTexts.on : switchTexts.off
  return value === null ? '' : String(value)
}

/** A value as it reads in a table or a sentence, also where the field is empty. */
export function readableHyperparameter(name: HyperparameterName, value: Hyperparameters[HyperparameterName]): string {
  return value === null ? (hyperparameterTexts[name].empty ?? '–') : writeHyperparameter(value)
}

import { hyperparametersSchema, type Hyperparameters } from '../../../preload/contract/hyperparameters.ts'
import { choicesOf, isSwitch, rangeOf, switchTexts, writeHyperparameter, type HyperparameterName } from '../../lib/hyperparameter-text.ts'

/** Typed-in texts by setting; a setting without one has the preset's value. */
export type HyperparameterEdits = Readonly<Partial<Record<HyperparameterName, string>>>

/** What the form makes of the preset's values and the user's texts. */
export interface ReadForm {
  /** Null while any text is invalid. */
  readonly values: Hyperparameters | null
  readonly errors: Readonly<Partial<Record<HyperparameterName, string>>>
  /** Settings whose value differs from the preset's, or cannot be read. */
  readonly changed: readonly HyperparameterName[]
}

const names = hyperparametersSchema.keyof().options

/** Switches that cannot be on here, with the reason. */
export type BlockedSwitches = Readonly<Partial<Record<HyperparameterName, string>>>

/** Puts the texts over the preset's values and says which are wrong and which differ. */
export function readForm(base: Hyperparameters, edits: HyperparameterEdits, blocked: BlockedSwitches = {}): ReadForm {
  const merged: Record<string, unknown> = { ...base }
  const errors: Partial<Record<HyperparameterName, string>> = {}
  const changed: HyperparameterName[] = []
  for (const name of names) {
    const text = edits[name]
    if (text === undefined) continue
    const parsed = parseText(name, text)
    if (parsed.error !== null) errors[name] = parsed.error
    else merged[name] = parsed.value
    if (parsed.error !== null || parsed.value !== base[name]) changed.push(name)
  }
  for (const name of names) {
    const reason = blocked[name]
    if (reason !== undefined && merged[name] === true) errors[name] = `${reason} Choose ${switchTexts.off}.`
  }
  const whole = hyperparametersSchema.safeParse(merged)
  return { values: Object.keys(errors).length > 0 || !whole.success ? null : whole.data, errors, changed }
}

/** Every value as text, for starting again from a finished run's exact settings. */
export function editsOf(hyperparameters: Hyperparameters): HyperparameterEdits {
  return Object.fromEntries(names.map((name) => [name, writeHyperparameter(hyperparameters[name])]))
}

/** The allowed values of a setting as a phrase: "1 to 20". */
export function describeRange(name: HyperparameterName): string {
  const range = rangeOf(name)
  if (range === null) return choicesOf(name).join(', ')
  return `${plain(range.low)} to ${plain(range.high)}`
}

function parseText(name: HyperparameterName, text: string): { value: unknown; error: null } | { value: null; error: string } {
  const range = rangeOf(name)
  const trimmed = text.trim()
  if (range === null) return { value: isSwitch(name) ? trimmed === switchTexts.on : trimmed, error: null }
  if (trimmed === '' && range.isOptional) return { value: null, error: null }
  const value = Number(trimmed)
  const isRight =
    trimmed !== '' && Number.isFinite(value) && value >= range.low && value <= range.high && (!range.isWhole || Number.isInteger(value))
  if (isRight) return { value, error: null }
  const wanted = `Write a ${range.isWhole ? 'whole number' : 'number'} from ${describeRange(name)}${range.isOptional ? ', or leave it empty' : ''}.`
  return { value: null, error: trimmed.includes(',') ? `${wanted} Use a point for decimals.` : wanted }
}

function plain(value: number): string {
  return value >= 1000 ? value.toLocaleString('en-US') : value < 1e-4 && value > 0 ? value.toFixed(6) : String(value)
}

import { useId, type ReactNode } from 'react'
import { ChevronRight } from 'lucide-react'
import {
  choicesOf,
  hyperparameterGroups,
  hyperparameterTexts,
  readableHyperparameter,
  switchTexts,
  writeHyperparameter,
  type HyperparameterName,
} from '../../lib/hyperparameter-text.ts'
import type { Hyperparameters } from '../../../preload/contract/hyperparameters.ts'
import { Button } from '../../ui/Button.tsx'
import { describeRange, type BlockedSwitches, type HyperparameterEdits, type ReadForm } from './hyperparameter-form.ts'

interface AdvancedSettingsProps {
  readonly base: Hyperparameters
  readonly edits: HyperparameterEdits
  readonly form: ReadForm
  readonly blocked: BlockedSwitches
  /** Settings that no preset has; they stand last. */
  readonly children?: ReactNode
  /** Why the preset's values are what they are here. */
  readonly notes: readonly string[]
  readonly isOpen: boolean
  readonly onToggle: (isOpen: boolean) => void
  readonly onEdit: (name: HyperparameterName, text: string) => void
  readonly onReset: () => void
}

/** Every training setting, folded away until it is wanted. */
export function AdvancedSettings(props: AdvancedSettingsProps) {
  const { base, edits, form, blocked, notes, isOpen, onToggle, onEdit, onReset, children } = props
  const bodyId = useId()
  const wrong = Object.keys(form.errors).length
  return (
    <section className="choice advanced" data-open={isOpen}>
      <header className="choice-head">
        <h2 className="advanced-title">
          <button type="button" className="advanced-toggle" aria-expanded={isOpen} aria-controls={bodyId} onClick={() => onToggle(!isOpen)}>
            <ChevronRight size={14} aria-hidden="true" />
            Advanced settings
            <span className="choice-summary">{summary(form.changed.length, wrong)}</span>
          </button>
        </h2>
        {form.changed.length > 0 && (
          <Button size="small" onClick={onReset}>
            Use the preset's values
          </Button>
        )}
      </header>
      <div id={bodyId} hidden={!isOpen} className="choice-body">
        {isOpen &&
          notes.map((note) => (
            <p key={note} className="field-hint">
              {note}
            </p>
          ))}
        {isOpen &&
          hyperparameterGroups.map((group) => (
            <fieldset key={group.title} className="advanced-group">
              <legend>{group.title}</legend>
              <div className="advanced-fields">
                {group.names.map((name) => (
                  <SettingField
                    key={name}
                    name={name}
                    text={edits[name] ?? writeHyperparameter(base[name])}
                    error={form.errors[name] ?? null}
                    isChanged={form.changed.includes(name)}
                    presetText={readableHyperparameter(name, base[name])}
                    blockedReason={blocked[name] ?? null}
                    onEdit={(text) => onEdit(name, text)}
                  />
                ))}
              </div>
            </fieldset>
          ))}
        {isOpen && children}
      </div>
    </section>
  )
}

interface SettingFieldProps {
  readonly name: HyperparameterName
  readonly text: string
  readonly error: string | null
  readonly isChanged: boolean
  readonly presetText: string
  /** Why a switch cannot be turned on here. */
  readonly blockedReason: string | null
  readonly onEdit: (text: string) => void
}

function SettingField({ name, text, error, isChanged, presetText, blockedReason, onEdit }: SettingFieldProps) {
  const id = useId()
  const { label, hint, empty } = hyperparameterTexts[name]
  const choices = choicesOf(name)
  const shared = { id, name, value: text, 'aria-invalid': error !== null, 'aria-describedby': `${id}-hint ${id}-error` }
  return (
    <div className="setting-field" data-changed={isChanged}>
      <label htmlFor={id}>
        {label} <code>{name}</code>
      </label>
      {choices.length > 0 ? (
        <select {...shared} disabled={blockedReason !== null && text === switchTexts.off} onChange={(event) => onEdit(event.target.value)}>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...shared}
          type="text"
          inputMode="decimal"
          autoComplete="off"
          placeholder={empty}
          onChange={(event) => onEdit(event.target.value)}
        />
      )}
      <p id={`${id}-hint`} className="field-hint">
        {hint} {choices.length === 0 && <span>From {describeRange(name)}.</span>}{' '}
        {blockedReason !== null && error === null && <span className="setting-field-preset">{blockedReason}</span>}{' '}
        {isChanged && <span className="setting-field-preset">Preset: {presetText}.</span>}
      </p>
      <p id={`${id}-error`} role={error === null ? undefined : 'alert'} className="field-error">
        {error}
      </p>
    </div>
  )
}

function summary(changed: number, wrong: number): string {
  if (wrong > 0) return wrong === 1 ? '1 value to correct' : `${wrong} values to correct`
  if (changed === 0) return 'As in the preset'
  return changed === 1 ? '1 value changed' : `${changed} values changed`
}

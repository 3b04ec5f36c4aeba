import './overview.css'
import { useState, type FormEvent } from 'react'
import type { Dataset, SplitName, SplitSettings } from '../../../preload/contract/datasets.ts'
import { formatCount } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { FormField } from '../../ui/FormField.tsx'
import { countRows, countThings, describeShare, splitNames } from './dataset-text.ts'
import { useDatasetActions } from './queries.ts'
import { useShowRows } from './use-show-rows.ts'

const names = Object.keys(splitNames) as SplitName[]
const stratifyNames: Readonly<Record<SplitSettings['stratifyBy'], string>> = {
  none: 'Nothing',
  length: 'Length',
  language: 'Language',
  shape: 'Shape',
}
const firstSettings: SplitSettings = { seed: 42, validationShare: 0.05, testShare: 0, stratifyBy: 'none' }

/** Divides the rows for training, validation and test; the same seed gives the same division. */
export function DatasetSplits({ dataset }: { readonly dataset: Dataset }) {
  return (
    <div className="overview-columns">
      <SplitForm key={JSON.stringify(dataset.split?.settings)} dataset={dataset} />
      <SplitResult dataset={dataset} />
    </div>
  )
}

function SplitForm({ dataset }: { readonly dataset: Dataset }) {
  const [settings, setSettings] = useState(dataset.split?.settings ?? firstSettings)
  const { setSplit } = useDatasetActions()
  const trainShare = 1 - settings.validationShare - settings.testShare
  const problem = findProblem(settings, trainShare)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (problem === null) setSplit.mutate({ id: dataset.id, settings })
  }
  return (
    <form className="card split-form" onSubmit={submit} aria-label="Division">
      <h3>Division</h3>
      <div className="split-shares">
        <ShareField
          label="Validation"
          value={settings.validationShare}
          onChange={(validationShare) => setSettings({ ...settings, validationShare })}
        />
        <ShareField label="Test" value={settings.testShare} onChange={(testShare) => setSettings({ ...settings, testShare })} />
        <FormField label="Training">
          {(field) => <output {...field}>{problem === null ? `${writeShare(trainShare)} %` : '–'}</output>}
        </FormField>
      </div>
      <FormField label="Spread evenly by" hint="Each part gets the same mix.">
        {(field) => (
          <select
            {...field}
            value={settings.stratifyBy}
            onChange={(event) => setSettings({ ...settings, stratifyBy: event.target.value as SplitSettings['stratifyBy'] })}
          >
            {Object.entries(stratifyNames).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        )}
      </FormField>
      <FormField label="Seed" hint="The same seed gives the same division.">
        {(field) => (
          <input
            {...field}
            type="number"
            min={0}
            step={1}
            value={Number.isNaN(settings.seed) ? '' : settings.seed}
            onChange={(event) => setSettings({ ...settings, seed: event.target.valueAsNumber })}
          />
        )}
      </FormField>
      <p className="field-hint">Repeated rows and rows with the same prompt stay in one part, so nothing leaks between the parts.</p>
      {problem !== null && (
        <p role="alert" className="field-error">
          {problem}
        </p>
      )}
      <div className="split-actions">
        {dataset.split !== null && (
          <Button disabled={setSplit.isPending} onClick={() => setSplit.mutate({ id: dataset.id, settings: null })}>
            Remove division
          </Button>
        )}
        <Button type="submit" variant="primary" disabled={problem !== null || setSplit.isPending}>
          {dataset.split === null ? 'Divide' : 'Divide again'}
        </Button>
      </div>
    </form>
  )
}

interface ShareFieldProps {
  readonly label: string
  readonly value: number
  readonly onChange: (value: number) => void
}

function ShareField({ label, value, onChange }: ShareFieldProps) {
  return (
    <FormField label={`${label} (%)`}>
      {(field) => (
        <input
          {...field}
          type="number"
          min={0}
          max={50}
          step="any"
          value={Number.isNaN(value) ? '' : writeShare(value)}
          onChange={(event) => onChange(event.target.valueAsNumber / 100)}
        />
      )}
    </FormField>
  )
}

function writeShare(share: number): number {
  return Math.round(share * 10_000) / 100
}

function findProblem({ seed, validationShare, testShare }: SplitSettings, trainShare: number): string | null {
  if (![validationShare, testShare].every((share) => share >= 0 && share <= 0.5)) return 'A share is a number from 0 to 50.'
  if (validationShare + testShare === 0) return 'Give validation or test a share.'
  if (trainShare < 0.01) return 'Leave rows to train on.'
  return Number.isSafeInteger(seed) && seed >= 0 ? null : 'The seed is a whole number from 0.'
}

function SplitResult({ dataset }: { readonly dataset: Dataset }) {
  const showRows = useShowRows(dataset.id)
  const { split } = dataset
  const all = split === null ? 0 : names.reduce((sum, name) => sum + split.rows[name], 0)
  return (
    <section className="card split-result" aria-label="Parts">
      <h3>Parts</h3>
      {split === null ? (
        <p className="field-hint">The rows are not divided. A run then holds out a share of its own for measuring.</p>
      ) : (
        <>
          <div className="split-bar" aria-hidden="true">
            {names.map((name) => (
              <i key={name} data-split={name} style={{ flexGrow: split.rows[name] }} />
            ))}
          </div>
          <ul>
            {names.map((name) => (
              <li key={name}>
                <i className="split-key" data-split={name} aria-hidden="true" />
                <span>{splitNames[name]}</span>
                <span className="share-count">{countRows(split.rows[name])}</span>
                <span className="share-percent">{describeShare(split.rows[name], all)}</span>
                <Button
                  size="small"
                  aria-label={`Show rows: ${splitNames[name]}`}
                  disabled={split.rows[name] === 0}
                  onClick={() => showRows({ split: name })}
                >
                  Show rows
                </Button>
              </li>
            ))}
          </ul>
          <p className="field-hint">
            {countThings(split.groups, 'group')} kept together · seed {formatCount(split.settings.seed)}
          </p>
        </>
      )}
    </section>
  )
}

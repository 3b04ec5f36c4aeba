import './overview.css'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import { Histogram } from '../../charts/Histogram.tsx'
import { formatCount, formatPercent } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { Fact } from './DatasetOverview.tsx'
import { countRows } from './dataset-text.ts'
import { ModelSelect } from './ModelSelect.tsx'
import { useOverview, useTokenizers } from './part-queries.ts'
import { useDatasetActions } from './queries.ts'
import { useRowCount } from './row-queries.ts'
import { emptyFilter } from './row-view-store.ts'
import { usualLengths } from './TokenView.tsx'
import { useShowRows } from './use-show-rows.ts'

/** Exact tokens with a base model's own tokenizer and chat template. */
export function DatasetTokens({ dataset }: { readonly dataset: Dataset }) {
  const navigate = useNavigate()
  const overview = useOverview(dataset)
  const showRows = useShowRows(dataset.id)
  const { tokens } = dataset
  const isCounting = dataset.tasks.some(({ kind }) => kind === 'tokens')
  const missing = isCounting ? 'Being counted.' : 'Choose a base model and count.'
  return (
    <div className="overview">
      <CountBar dataset={dataset} isCounting={isCounting} />
      <section className="card overview-card" aria-label="Tokens">
        <dl className="fact-list" data-columns="5">
          <Fact label="Tokens" value={formatCount(tokens?.total)} note={tokens?.modelName ?? 'not counted'} />
          <Fact
            label="Trained"
            value={formatCount(tokens?.trained)}
            note={
              tokens === null || tokens.total === 0 ? 'tokens that carry loss' : `${formatPercent(tokens.trained / tokens.total)} of all`
            }
          />
          <Fact label="Rows counted" value={formatCount(tokens?.rows)} />
          <Fact label="Tokens per row" value={meanTokens(dataset)} note="on average" />
          <Fact label="Longest row" value={formatCount(tokens?.longestRow)} note="tokens" />
        </dl>
      </section>
      {overview.error !== null && <ErrorNote error={overview.error} onRetry={() => void overview.refetch()} />}
      <section className="overview-plots" aria-label="Distributions">
        <Histogram
          title="Tokens per row"
          unit="tokens"
          data={overview.data?.tokens ?? null}
          missingText={missing}
          onChoose={(tokensFrom, tokensTo) => showRows({ tokensFrom, tokensTo })}
        />
        <Histogram title="Trained tokens per row" unit="tokens" data={overview.data?.trainedTokens ?? null} missingText={missing} />
      </section>
      <LongRows dataset={dataset} />
      <section className="card overview-next" aria-label="Next step">
        <p>Time and cost depend on the endpoint and the settings. A new run shows both before anything starts.</p>
        <Button disabled={!dataset.isTrainable} onClick={() => void navigate({ to: '/runs/new', search: { dataset: dataset.id } })}>
          Plan a run
        </Button>
      </section>
    </div>
  )
}

function CountBar({ dataset, isCounting }: { readonly dataset: Dataset; readonly isCounting: boolean }) {
  const tokenizers = useTokenizers()
  const { countTokens } = useDatasetActions()
  const [picked, setPicked] = useState<string | null>(null)
  if (tokenizers.error !== null) return <ErrorNote error={tokenizers.error} onRetry={() => void tokenizers.refetch()} />
  const modelId = picked ?? dataset.tokens?.modelId ?? tokenizers.data?.[0]?.modelId ?? null
  const choice = tokenizers.data?.find((tokenizer) => tokenizer.modelId === modelId)
  const isCounted = dataset.tokens !== null && dataset.tokens.modelId === modelId
  return (
    <div className="list-bar">
      <ModelSelect label="Base model to count with" value={modelId} onChange={setPicked} />
      <Button
        disabled={modelId === null || isCounting || countTokens.isPending || dataset.stats === null}
        onClick={() => {
          if (modelId !== null) countTokens.mutate({ id: dataset.id, modelId })
        }}
      >
        {isCounted ? 'Count again' : 'Count tokens'}
      </Button>
      {choice !== undefined && <span className="field-hint">Vocabulary: {choice.licence}</span>}
    </div>
  )
}

function LongRows({ dataset }: { readonly dataset: Dataset }) {
  const [length, setLength] = useState(4096)
  const showRows = useShowRows(dataset.id)
  const conditions = { tokensFrom: length + 1 }
  const count = useRowCount(dataset, { ...emptyFilter, ...conditions }, dataset.tokens !== null)
  return (
    <section className="card overview-next" aria-label="Long rows">
      <p>
        <label>
          Rows over{' '}
          <select value={length} onChange={(event) => setLength(Number(event.target.value))}>
            {usualLengths.map((choice) => (
              <option key={choice} value={choice}>
                {formatCount(choice)} tokens
              </option>
            ))}
          </select>
        </label>{' '}
        <b role="status">{count.data === undefined ? '–' : countRows(count.data)}</b>
      </p>
      <Button disabled={count.data === undefined || count.data === 0} onClick={() => showRows(conditions)}>
        Show rows
      </Button>
    </section>
  )
}

function meanTokens({ tokens }: Dataset): string {
  return tokens === null || tokens.rows === 0 ? '–' : formatCount(tokens.total / tokens.rows)
}

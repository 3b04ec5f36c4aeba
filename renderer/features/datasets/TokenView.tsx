import { Fragment, useState } from 'react'
import type { Dataset, TokenPreview } from '../../../preload/contract/datasets.ts'
import { formatCount, formatPercent } from '../../lib/format.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { ModelSelect } from './ModelSelect.tsx'
import { useTokenPreview } from './row-queries.ts'
import { useRowView } from './row-view-store.ts'
import { useTokenizers } from './part-queries.ts'

const shownAtFirst = 2000
/** Lengths that are usual for training. */
export const usualLengths: readonly number[] = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072]

/** A row token by token as a chosen model reads it: what is trained, what is special, where it is cut. */
export function TokenView({ dataset, row }: { readonly dataset: Dataset; readonly row: number }) {
  const [view, change] = useRowView(dataset.id)
  const tokenizers = useTokenizers()
  const modelId = view.modelId ?? dataset.tokens?.modelId ?? tokenizers.data?.[0]?.modelId ?? null
  const preview = useTokenPreview(dataset, row, modelId, view.maxLength)
  return (
    <div className="token-view">
      <div className="token-bar">
        <ModelSelect label="Base model" value={modelId} onChange={(next) => change({ modelId: next })} />
        <select
          aria-label="Longest row in tokens"
          value={view.maxLength}
          onChange={(event) => change({ maxLength: Number(event.target.value) })}
        >
          {usualLengths.map((length) => (
            <option key={length} value={length}>
              {formatCount(length)} tokens
            </option>
          ))}
        </select>
      </div>
      {tokenizers.error !== null && <ErrorNote error={tokenizers.error} />}
      {preview.error !== null ? (
        <ErrorNote error={preview.error} onRetry={() => void preview.refetch()} />
      ) : preview.data === undefined ? (
        <p className="page-note">Reading the tokens.</p>
      ) : (
        <TokenText key={`${row} ${preview.data.modelId}`} preview={preview.data} />
      )}
    </div>
  )
}

function TokenText({ preview }: { readonly preview: TokenPreview }) {
  const [shown, setShown] = useState(shownAtFirst)
  const { total, trained, cutAt, tokens } = preview
  const isCut = cutAt < total
  return (
    <>
      <p className="token-summary">
        <span>{formatCount(total)} tokens</span>
        <span>
          <i className="token-key" data-trained="true" aria-hidden="true" />
          {formatCount(trained)} trained{total > 0 && ` (${formatPercent(trained / total)})`}
        </span>
        <span>
          <i className="token-key" data-special="true" aria-hidden="true" />
          special
        </span>
        {isCut && <span className="token-cut-note">{formatCount(total - cutAt)} do not fit</span>}
      </p>
      <div className="token-text" role="region" aria-label={`The row as ${preview.modelName} sees it`} tabIndex={0}>
        {tokens.slice(0, shown).map((token, place) => (
          // Tokens have no identity but their place.
          <Fragment key={place}>
            {isCut && place === cutAt && <CutLine cutAt={cutAt} />}
            <span
              className="token"
              data-trained={token.isTrained}
              data-special={token.isSpecial}
              data-beyond={place >= cutAt}
              title={`token ${formatCount(token.id)}${token.isSpecial ? ', special' : ''}${token.isTrained ? ', trained' : ''}`}
            >
              {token.text}
            </span>
          </Fragment>
        ))}
        {tokens.length > shown && (
          <Button size="small" onClick={() => setShown(shown + shownAtFirst)}>
            Show {formatCount(Math.min(shownAtFirst, tokens.length - shown))} more tokens
          </Button>
        )}
        {tokens.length <= shown && preview.isListCut && (
          <p className="field-hint">The row has {formatCount(total - tokens.length)} more tokens, which are not listed here.</p>
        )}
      </div>
    </>
  )
}

function CutLine({ cutAt }: { readonly cutAt: number }) {
  return (
    <span className="token-cut" role="separator" aria-label={`Cut after ${formatCount(cutAt)} tokens`}>
      cut after {formatCount(cutAt)} tokens
    </span>
  )
}

import { Link } from '@tanstack/react-router'
import { CircleCheck, CircleDashed, CircleX } from 'lucide-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { PreflightAction, PreflightItem } from '../../../preload/contract/runs.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { formatMoney } from '../../lib/format.ts'
import { switchTexts } from '../../lib/hyperparameter-text.ts'
import { Button } from '../../ui/Button.tsx'
import { runDraftStore } from './draft-store.ts'

/** What a run needs: to correct, in order, or not known; all but the first are folded away, other than the money. */
export function PreflightList({ items }: { readonly items: readonly PreflightItem[] }) {
  const open = items.filter(({ id, isOk }) => !isOk || id === 'money')
  const folded = items.filter((item) => !open.includes(item))
  return (
    <div className="preflight">
      {open.length > 0 && <Lines items={open} label="Checks before the start" />}
      {folded.length > 0 && (
        <details>
          <summary>{foldedTitle(folded)}</summary>
          <Lines items={folded} label="Further checks" />
        </details>
      )}
    </div>
  )
}

function foldedTitle(items: readonly PreflightItem[]): string {
  const known = items.filter(({ isKnown }) => isKnown).length
  const order = known === 1 ? '1 more check is in order' : `${known} more checks are in order`
  if (known === items.length) return order
  const open = `${items.length - known} not known`
  return known === 0 ? open : `${order}, ${open}`
}

const states = {
  red: { Icon: CircleX, word: 'To correct: ' },
  green: { Icon: CircleCheck, word: 'In order: ' },
  unknown: { Icon: CircleDashed, word: 'Not known: ' },
} as const

function stateOf({ isOk, isKnown }: PreflightItem): keyof typeof states {
  if (!isOk) return 'red'
  return isKnown ? 'green' : 'unknown'
}

function Lines({ items, label }: { readonly items: readonly PreflightItem[]; readonly label: string }) {
  return (
    <ul aria-label={label}>
      {items.map((item) => (
        <Line key={item.id} item={item} />
      ))}
    </ul>
  )
}

function Line({ item }: { readonly item: PreflightItem }) {
  const state = stateOf(item)
  const { Icon, word } = states[state]
  return (
    <li data-state={state}>
      <Icon size={14} aria-hidden="true" />
      <span>
        <span className="sr-only">{word}</span>
        {item.text}
        {item.fix !== null && <span className="preflight-fix">{item.fix}</span>}
        {item.action !== undefined && <Repair action={item.action} />}
      </span>
    </li>
  )
}

/** Carries the fix of a red line out, or leads to where it can be. */
function Repair({ action }: { readonly action: PreflightAction }) {
  switch (action.kind) {
    case 'set_budget':
      return (
        <RepairButton
          title={`Set the budget to ${formatMoney(action.budgetMicroUsd)}`}
          onClick={() => runDraftStore.getState().writeBudget((action.budgetMicroUsd / 1_000_000).toFixed(2))}
        />
      )
    case 'set_hyperparameter': {
      const text = typeof action.value === 'boolean' ? (action.value ? switchTexts.on : switchTexts.off) : String(action.value)
      return <RepairButton title={`Set ${action.name} to ${text}`} onClick={() => runDraftStore.getState().edit(action.name, text)} />
    }
    case 'choose':
      return <RepairButton title={choiceTitles[action.choice]} onClick={() => runDraftStore.getState().reopen(action.choice)} />
    case 'leave_rows_out':
      return <LeaveRowsOut datasetId={action.datasetId} />
    case 'open_dataset':
      return (
        <Link
          className="button preflight-action"
          data-size="small"
          data-variant="secondary"
          to="/datasets/$datasetId"
          params={{ datasetId: action.datasetId }}
          search={{ tab: action.tab }}
        >
          Open the dataset
        </Link>
      )
    case 'open_page':
      return (
        <Link className="button preflight-action" data-size="small" data-variant="secondary" to={`/${action.page}`}>
          {action.page === 'endpoints' ? 'Open Endpoints' : 'Open Costs'}
        </Link>
      )
    case 'open_link':
      return <RepairButton title="Open the RunPod console" onClick={() => void bridge.invoke('settings.openLink', { link: action.link })} />
    case 'test_connection':
      return <LookAgain endpointId={action.endpointId} />
  }
}

const choiceTitles = {
  dataset: 'Choose a dataset',
  model: 'Choose a base model',
  endpoint: 'Choose an endpoint',
  preset: 'Choose a preset',
} as const

/** An edit like any other: the dataset's versions list it, and it can be undone there. */
function LeaveRowsOut({ datasetId }: { readonly datasetId: string }) {
  const client = useQueryClient()
  const leave = useMutation({
    mutationFn: () =>
      bridge.invoke('datasets.applyEdit', {
        id: datasetId,
        edit: { kind: 'drop', choice: { kind: 'filter', filter: { state: 'usable', trainedTo: 0 } } },
      }),
    onSettled: () => client.invalidateQueries({ queryKey: ['plan'] }),
  })
  return (
    <>
      <RepairButton title={leave.isPending ? 'Leaving them out' : 'Leave these rows out'} onClick={() => leave.mutate()} />
      {leave.error !== null && (
        <span role="alert" className="field-error">
          {describeError(leave.error)}
        </span>
      )}
    </>
  )
}

function LookAgain({ endpointId }: { readonly endpointId: string }) {
  const client = useQueryClient()
  const look = useMutation({
    mutationFn: () => bridge.invoke('endpoints.testConnection', { id: endpointId }),
    onSettled: () => client.invalidateQueries({ queryKey: ['plan'] }),
  })
  return <RepairButton title={look.isPending ? 'Looking' : 'Look again'} onClick={() => look.mutate()} />
}

function RepairButton({ title, onClick }: { readonly title: string; readonly onClick: () => void }) {
  return (
    <Button size="small" className="preflight-action" onClick={onClick}>
      {title}
    </Button>
  )
}

import { Link } from '@tanstack/react-router'
import { CircleCheck, CircleX } from 'lucide-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { PreflightAction, PreflightItem } from '../../../preload/contract/runs.ts'
import { bridge } from '../../lib/bridge.ts'
import { formatMoney } from '../../lib/format.ts'
import { switchTexts } from '../../lib/hyperparameter-text.ts'
import { Button } from '../../ui/Button.tsx'
import { runDraftStore } from './draft-store.ts'

/** What a run needs, red or green; what is in order is folded away but for the money. */
export function PreflightList({ items }: { readonly items: readonly PreflightItem[] }) {
  const open = items.filter(({ id, isOk }) => !isOk || id === 'money')
  const folded = items.filter((item) => !open.includes(item))
  return (
    <div className="preflight">
      {open.length > 0 && <Lines items={open} label="Checks before the start" />}
      {folded.length > 0 && (
        <details>
          <summary>{folded.length === 1 ? '1 more check is in order' : `${folded.length} more checks are in order`}</summary>
          <Lines items={folded} label="Checks in order" />
        </details>
      )}
    </div>
  )
}

function Lines({ items, label }: { readonly items: readonly PreflightItem[]; readonly label: string }) {
  return (
    <ul aria-label={label}>
      {items.map((item) => (
        <li key={item.id} data-ok={item.isOk}>
          {item.isOk ? <CircleCheck size={14} aria-hidden="true" /> : <CircleX size={14} aria-hidden="true" />}
          <span>
            <span className="sr-only">{item.isOk ? 'In order: ' : 'To correct: '}</span>
            {item.text}
            {item.fix !== null && <span className="preflight-fix">{item.fix}</span>}
            {item.action !== undefined && <Repair action={item.action} />}
          </span>
        </li>
      ))}
    </ul>
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
    case 'open_dataset':
      return (
        <Link
          className="button preflight-action"
          data-size="small"
          data-variant="secondary"
          to="/datasets/$datasetId"
          params={{ datasetId: action.datasetId }}
          search={{ tab: 'issues' }}
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

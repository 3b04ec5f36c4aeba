import type { Run, RunMemoryPlan, RunPlan } from '../../../preload/contract/runs.ts'
import { formatBytes, formatCount } from '../../lib/format.ts'
import { presetLabels } from '../../lib/hyperparameter-text.ts'
import { HyperparameterTable } from '../../ui/HyperparameterTable.tsx'
import { agreedDepartures } from './run-departures.ts'

/** What a run was given and what came of it, figure by figure. */
export function RunConfiguration({ run }: { readonly run: Run }) {
  return (
    <div className="run-configuration">
      <dl className="fact-list">
        {listRunFacts(run).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{label === 'Dataset SHA-256' && run.datasetSha256 !== null ? <code>{value}</code> : value}</dd>
          </div>
        ))}
      </dl>
      <HyperparameterTable hyperparameters={run.config.hyperparameters} />
    </div>
  )
}

/** Labels and values of the facts beside the settings; what is not known is a dash. */
export function listRunFacts(run: Run): readonly (readonly [label: string, value: string])[] {
  const { plan, memoryPlan, config } = run
  const agreed = agreedDepartures(config.accepts).map(({ statement }) => statement)
  return [
    ['Base model', config.baseModel.kind === 'folder' ? config.baseModel.path : config.baseModel.id],
    ['Endpoint', run.endpointName],
    ['Preset', presetLabels[config.preset]],
    ['Dataset', `${run.datasetName}, ${formatCount(run.datasetRows)} rows`],
    ['Dataset SHA-256', run.datasetSha256 ?? '–'],
    ['Rows', plan === null ? '–' : rowsText(plan)],
    ...(config.samplePrompts.length === 0 ? [] : [['Sample prompts', `${config.samplePrompts.length} of your own`] as const]),
    ...agreed.map((statement) => ['Agreed to', statement] as const),
    ['Parameters trained', plan === null ? '–' : `${formatCount(plan.parametersTrainable)} of ${formatCount(plan.parametersTotal)}`],
    ['Layers adapted', plan === null || plan.targets.length === 0 ? '–' : plan.targets.join(', ')],
    ['Device', plan === null ? '–' : deviceText(plan)],
    ['Packing', plan?.packing === null || plan === null ? '–' : packingText(plan.packing, config.hyperparameters.packing)],
    ['Memory planned', memoryPlan === null ? '–' : memoryText(memoryPlan)],
    ['Memory used at most', run.head.memoryPeakBytes === null ? '–' : formatBytes(run.head.memoryPeakBytes)],
    ['Attempt', String(run.attempt)],
    ['Job', run.jobId ?? '–'],
  ]
}

function rowsText({ rowsTrain, rowsEval, rowsTruncated, rowsDropped }: RunPlan): string {
  return `${formatCount(rowsTrain)} trained, ${formatCount(rowsEval)} held out, ${formatCount(rowsTruncated)} cut, ${formatCount(rowsDropped)} left out`
}

function deviceText({ device, dtype, processes }: RunPlan): string {
  return processes === null || processes === 1 ? `${device}, ${dtype}` : `${processes} × ${device}, ${dtype}`
}

function packingText(isOn: boolean, wasWanted: boolean): string {
  if (isOn) return 'On'
  return wasWanted ? 'Off, because this model would mix the rows' : 'Off'
}

const quantizationTexts: Readonly<Record<RunMemoryPlan['quantization'], string | null>> = {
  none: null,
  nf4: 'base in 4 bits',
  'nf4-experts': 'experts in 4 bits',
}

function memoryText(plan: RunMemoryPlan): string {
  const parts = [
    `weights ${formatBytes(plan.weightsBytes)}`,
    `adapter ${formatBytes(plan.adapterBytes)}`,
    `optimizer ${formatBytes(plan.optimizerBytes)}`,
    `activations ${formatBytes(plan.activationsBytes)}`,
    quantizationTexts[plan.quantization],
  ].filter((part) => part !== null)
  const available = plan.availableBytes === null ? '' : ` of ${formatBytes(plan.availableBytes)} available`
  return `${formatBytes(plan.totalBytes)}${available} (${parts.join(', ')})`
}

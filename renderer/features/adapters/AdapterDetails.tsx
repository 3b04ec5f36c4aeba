import { useMemo, useState, type ReactNode } from 'react'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Check, Copy } from 'lucide-react'
import type { Adapter, AdapterFile } from '../../../preload/contract/adapters.ts'
import { formatLoss } from '../../charts/axis-format.ts'
import { LossPanel } from '../../charts/LossPanel.tsx'
import { bridge } from '../../lib/bridge.ts'
import { useChartSmoothing } from '../../lib/chart-smoothing.ts'
import { formatBytes, formatCount, formatDuration, formatMoney } from '../../lib/format.ts'
import { describeError } from '../../lib/describe-error.ts'
import { pairSamples } from '../../lib/sample-pairs.ts'
import { HyperparameterTable } from '../../ui/HyperparameterTable.tsx'
import { useToasts } from '../../ui/Toasts.tsx'
import { SampleComparison } from '../../ui/SampleComparison.tsx'
import { buildOriginCurve } from './origin-curve.ts'
import { useOriginMetrics, useOriginRun, useOriginSamples } from './queries.ts'

/** Where an adapter came from and what it consists of. */
export function AdapterDetails({ adapter }: { readonly adapter: Adapter }) {
  return (
    <>
      <Section title="Loss">
        <OriginCurvePanel adapter={adapter} />
      </Section>
      <Section title="Before and after">
        <OriginSamples adapter={adapter} />
      </Section>
      <Section title="Files">
        <FilesTable files={adapter.files} />
      </Section>
      <Section title="Where it came from">
        <Origin adapter={adapter} />
      </Section>
      <Section title="Configuration">
        <HyperparameterTable hyperparameters={adapter.hyperparameters} />
      </Section>
    </>
  )
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="adapter-section">
      <h3>{title}</h3>
      {children}
    </section>
  )
}

function OriginCurvePanel({ adapter }: { readonly adapter: Adapter }) {
  const run = useOriginRun(adapter.runId)
  const metrics = useOriginMetrics(adapter.runId)
  const [smoothing, setSmoothing] = useChartSmoothing()
  const toasts = useToasts()
  const exportCsv = useMutation({
    mutationFn: () => bridge.invoke('runs.exportMetricsCsv', { id: adapter.runId }),
    onSuccess: (saved) => {
      if (saved !== null) toasts.show(`Saved to ${saved.path}`)
    },
    onError: (error) => toasts.show(describeError(error)),
  })
  const startedAtMs = run.data?.startedAtMs ?? null
  const curve = useMemo(
    () => buildOriginCurve(metrics.data ?? { points: [], checkpoints: [], cursor: 0 }, startedAtMs),
    [metrics.data, startedAtMs],
  )
  const isEmpty = curve.train.length === 0 && curve.evals.length === 0
  const emptyText =
    metrics.isError || (metrics.isSuccess && isEmpty)
      ? 'The curve is no longer here, its run was deleted.'
      : isEmpty
        ? 'Reading the curve.'
        : null
  return (
    <LossPanel
      title={adapter.name}
      {...curve}
      smoothing={smoothing}
      onSmoothing={setSmoothing}
      onExportCsv={() => exportCsv.mutate()}
      emptyText={emptyText}
    />
  )
}

function OriginSamples({ adapter }: { readonly adapter: Adapter }) {
  const samples = useOriginSamples(adapter.runId)
  if (samples.isError) return <p className="adapter-note">The samples are no longer here, their run was deleted.</p>
  if (samples.data === undefined) return <p className="adapter-note">Reading the samples.</p>
  if (samples.data.length === 0) return <p className="adapter-note">The run wrote no samples.</p>
  return <SampleComparison pairs={pairSamples(samples.data)} missingText="Not written by this run." />
}

function Origin({ adapter }: { readonly adapter: Adapter }) {
  const run = useOriginRun(adapter.runId)
  const { summary } = adapter
  const facts: readonly (readonly [string, ReactNode])[] = [
    [
      'Run',
      run.isError ? (
        'Deleted'
      ) : (
        <Link to="/runs/$runId" params={{ runId: adapter.runId }}>
          {run.data?.name ?? 'Open run'}
        </Link>
      ),
    ],
    ['Dataset', adapter.datasetName],
    ['Dataset SHA-256', <CopyableHash key="hash" label="dataset" hash={adapter.datasetSha256} />],
    [
      'Base model',
      adapter.baseModelRevision === null ? adapter.baseModelId : `${adapter.baseModelId}, revision ${adapter.baseModelRevision}`,
    ],
    [
      'Steps',
      `${formatCount(summary.stepsDone)} of ${formatCount(summary.stepsTotal)}${summary.bestStep === null ? '' : `, saved from step ${formatCount(summary.bestStep)}`}`,
    ],
    ['Loss', `${formatLoss(summary.lossFirst, 3)} at first, ${formatLoss(summary.lossLast, 3)} at the end`],
    ['Held-out loss', `${formatLoss(summary.evalLossBase, 3)} for the base model, ${formatLoss(summary.evalLossBest, 3)} with the adapter`],
    ['Tokens trained', formatCount(summary.tokensTrained)],
    ['Training time', formatDuration(Math.round(summary.trainSeconds * 1000))],
    ['Cost', summary.costMicroUsd === null ? '–' : summary.costMicroUsd === 0 ? 'No charge' : formatMoney(summary.costMicroUsd)],
  ]
  return (
    <dl className="fact-list">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function FilesTable({ files }: { readonly files: readonly AdapterFile[] }) {
  if (files.length === 0) return <p className="adapter-note">The files are listed once they are copied.</p>
  return (
    <table className="adapter-table" aria-label="Files">
      <thead>
        <tr>
          <th scope="col">File</th>
          <th scope="col" className="adapter-number">
            Size
          </th>
          <th scope="col">SHA-256</th>
        </tr>
      </thead>
      <tbody>
        {files.map((file) => (
          <tr key={file.name}>
            <th scope="row">{file.name}</th>
            <td className="adapter-number">{formatBytes(file.bytes)}</td>
            <td>
              <CopyableHash label={file.name} hash={file.sha256} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function CopyableHash({ label, hash }: { readonly label: string; readonly hash: string }) {
  const [isCopied, setCopied] = useState(false)
  const copy = () => void navigator.clipboard.writeText(hash).then(() => setCopied(true))
  return (
    <span className="copyable-hash">
      <code title={hash}>{hash}</code>
      <button type="button" onClick={copy} aria-label={isCopied ? `Copied the SHA-256 of ${label}` : `Copy the SHA-256 of ${label}`}>
        {isCopied ? <Check size={12} aria-hidden="true" /> : <Copy size={12} aria-hidden="true" />}
      </button>
    </span>
  )
}

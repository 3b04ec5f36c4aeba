import './settings.css'
import type { AppInfo, Settings } from '../../../preload/contract/settings.ts'
import { BudgetForm } from '../../ui/BudgetForm.tsx'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { SegmentedControl } from '../../ui/SegmentedControl.tsx'
import { HelpText, Shortcuts } from './HelpText.tsx'
import { useAppInfo, useSettings, useSettingsActions } from './queries.ts'
import { Vocabularies } from './Vocabularies.tsx'

const themes: readonly { readonly value: Settings['theme']; readonly title: string }[] = [
  { value: 'system', title: 'As the system' },
  { value: 'light', title: 'Light' },
  { value: 'dark', title: 'Dark' },
]
const noticeNames: Readonly<Record<keyof Settings['osNotifications'], string>> = {
  dataset_ready: 'A dataset is ready',
  job_queued: 'A run waits in the queue',
  job_started: 'A run has started',
  job_completed: 'A run is complete',
  job_failed: 'A run has failed',
  job_cancelled: 'A run was stopped',
  artifact_ready: 'An adapter is on this computer, verified',
}

/** Look, notices, where things are, and help. */
export function SettingsPage() {
  const settings = useSettings()
  if (settings.error !== null) return <ErrorNote error={settings.error} onRetry={() => void settings.refetch()} />
  if (settings.data === undefined) return <p className="page-note">Reading the settings.</p>
  return (
    <div className="settings-page">
      <div className="settings-columns">
        <Appearance settings={settings.data} />
        <MonthBudget settings={settings.data} />
        <AboutApp />
        <Notices settings={settings.data} />
        <Shortcuts />
        <Vocabularies />
      </div>
      <HelpText />
    </div>
  )
}

function Appearance({ settings }: { readonly settings: Settings }) {
  const { update } = useSettingsActions()
  return (
    <section className="card">
      <h2>Appearance</h2>
      <SegmentedControl label="Theme" options={themes} value={settings.theme} onChange={(theme) => update.mutate({ theme })} />
    </section>
  )
}

function MonthBudget({ settings }: { readonly settings: Settings }) {
  const { update } = useSettingsActions()
  return (
    <section className="card">
      <h2>Money</h2>
      <BudgetForm
        label="Month budget in dollars"
        hint="What runs on RunPod may cost in a calendar month. Empty: no limit. What is left stands under Costs."
        microUsd={settings.monthBudgetMicroUsd}
        isSaving={update.isPending}
        onSave={(monthBudgetMicroUsd) => update.mutate({ monthBudgetMicroUsd })}
      />
    </section>
  )
}

function Notices({ settings }: { readonly settings: Settings }) {
  const { update } = useSettingsActions()
  return (
    <section className="card">
      <h2 id="settings-notices">System notices</h2>
      <p className="field-hint">Shown by the operating system when:</p>
      <div role="group" aria-labelledby="settings-notices" className="settings-notices">
        {Object.entries(noticeNames).map(([type, label]) => (
          <label key={type}>
            <input
              type="checkbox"
              checked={settings.osNotifications[type as keyof Settings['osNotifications']]}
              onChange={(event) => update.mutate({ osNotifications: { [type]: event.target.checked } })}
            />
            {label}
          </label>
        ))}
      </div>
      <p className="field-hint">Everything is also listed under the bell.</p>
    </section>
  )
}

function AboutApp() {
  const info = useAppInfo()
  const { revealDataFolder, copyDiagnostics } = useSettingsActions()
  return (
    <section className="card">
      <h2>This app</h2>
      {info.error !== null && <ErrorNote error={info.error} />}
      {info.data !== undefined && <AppFacts info={info.data} />}
      <p className="settings-actions">
        <Button onClick={() => revealDataFolder.mutate()}>Show data folder</Button>
        <Button onClick={() => copyDiagnostics.mutate()}>Copy diagnostics</Button>
      </p>
    </section>
  )
}

function AppFacts({ info }: { readonly info: AppInfo }) {
  const facts: readonly (readonly [string, string])[] = [
    ['Tunesmith', `${info.version}${info.isPackaged ? '' : ' (development)'}`],
    ['System', info.platform],
    ['Electron', info.electron],
    ['Chrome', info.chrome],
    ['Node', info.node],
    ['Database', `version ${info.databaseVersion}`],
  ]
  return (
    <dl className="fact-list">
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      <div className="fact-list-wide">
        <dt>Data folder</dt>
        <dd>{info.dataFolder}</dd>
      </div>
      <div className="fact-list-wide">
        <dt>Log file</dt>
        <dd>{info.logFile}</dd>
      </div>
    </dl>
  )
}

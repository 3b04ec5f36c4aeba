import './settings.css'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { Settings } from '../../../preload/contract/settings.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { Button } from '../../ui/Button.tsx'
import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { useToasts } from '../../ui/Toasts.tsx'
import { HelpText, Shortcuts } from './HelpText.tsx'

const themes = { system: 'As the system', light: 'Light', dark: 'Dark' } as const
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
  const settings = useQuery({ queryKey: ['settings'], queryFn: () => bridge.invoke('settings.get', {}) })
  if (settings.error !== null) return <ErrorNote error={settings.error} onRetry={() => void settings.refetch()} />
  if (settings.data === undefined) return <p className="page-note">Reading the settings.</p>
  return (
    <div className="settings-page">
      <Appearance settings={settings.data} />
      <Notices settings={settings.data} />
      <About />
      <Shortcuts />
      <HelpText />
    </div>
  )
}

function useUpdate() {
  const toasts = useToasts()
  return useMutation({
    mutationFn: (change: Parameters<typeof bridge.invoke<'settings.update'>>[1]) => bridge.invoke('settings.update', change),
    onError: (error) => toasts.show(describeError(error)),
  })
}

function Appearance({ settings }: { readonly settings: Settings }) {
  const update = useUpdate()
  return (
    <fieldset className="card">
      <legend>Appearance</legend>
      {Object.entries(themes).map(([theme, label]) => (
        <label key={theme}>
          <input type="radio" name="theme" checked={settings.theme === theme} onChange={() => update.mutate({ theme: theme as Settings['theme'] })} />
          {label}
        </label>
      ))}
    </fieldset>
  )
}

function Notices({ settings }: { readonly settings: Settings }) {
  const update = useUpdate()
  return (
    <fieldset className="card">
      <legend>System notices</legend>
      <p className="field-hint">Everything is also listed under the bell.</p>
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
    </fieldset>
  )
}

function About() {
  const info = useQuery({ queryKey: ['app-info'], queryFn: () => bridge.invoke('settings.appInfo', {}) })
  const toasts = useToasts()
  const reveal = useMutation({ mutationFn: () => bridge.invoke('settings.revealDataFolder', {}), onError: (error) => toasts.show(describeError(error)) })
  const copy = useMutation({
    mutationFn: () => bridge.invoke('settings.copyDiagnostics', {}),
    onSuccess: () => toasts.show('Diagnostics are on the clipboard, without keys.'),
    onError: (error) => toasts.show(describeError(error)),
  })
  const facts: readonly (readonly [string, string])[] =
    info.data === undefined
      ? []
      : [
          ['Tunesmith', info.data.version],
          ['Electron', info.data.electron],
          ['System', info.data.platform],
          ['Data folder', info.data.dataFolder],
          ['Log file', info.data.logFile],
        ]
  return (
    <section className="card">
      <h2>This app</h2>
      <dl className="fact-list">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="settings-actions">
        <Button onClick={() => reveal.mutate()}>Show data folder</Button>
        <Button onClick={() => copy.mutate()}>Copy diagnostics</Button>
      </p>
    </section>
  )
}

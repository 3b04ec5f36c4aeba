import { describe, expect, it } from 'vitest'
import { settingsSchema, type AppInfo } from '../../../../preload/contract/settings.ts'
import { routes } from '../../../../preload/contract/contract.ts'
import { createSettingsHandlers } from '../../../../main/features/settings/handlers.ts'
import { createSettingsRepository } from '../../../../main/features/settings/repository.ts'
import { createSettingsService } from '../../../../main/features/settings/service.ts'
import { createLog } from '../../../../main/lib/log.ts'
import type { SqliteDatabase } from '../../../../main/db/open.ts'
import { createMemoryDatabase } from '../../../support/memory-database.ts'
import { createRecordedEvents } from '../../../support/recorded-events.ts'

const info: AppInfo = {
  version: '0.1.0',
  electron: '1',
  chrome: '2',
  node: '3',
  platform: 'linux x64',
  dataFolder: '/data',
  logFile: '/data/app.log',
  databaseVersion: 1,
  isPackaged: false,
}
const context = { windowId: 1, droppedPath: null }

function createSettings(database: SqliteDatabase = createMemoryDatabase()) {
  const events = createRecordedEvents()
  const themes: string[] = []
  const logged: string[] = []
  const service = createSettingsService({
    repository: createSettingsRepository(database),
    clock: { nowMs: () => 5, after: () => () => undefined },
    events,
    log: createLog((line) => void logged.push(`${line.level}: ${line.message}`)),
    applyTheme: (theme) => void themes.push(theme),
  })
  return { database, service, events, themes, logged }
}

function createHandlers(lastLogLines = '') {
  const opened: string[] = []
  const copied: string[] = []
  const handlers = createSettingsHandlers({
    service: createSettings().service,
    appInfo: () => info,
    openFolder: async (path) => void opened.push(path),
    dataFolder: '/data',
    openExternal: async (url) => void opened.push(url),
    copyText: (text) => void copied.push(text),
    lastLogLines: () => lastLogLines,
  })
  return { handlers, opened, copied }
}

describe('settings', () => {
  it('an empty database is a valid one', () => {
    const { service, logged } = createSettings()
    expect(settingsSchema.parse(service.get())).toMatchObject({
      theme: 'system',
      chartSmoothing: 0.6,
      osNotifications: { job_failed: true, job_queued: false },
    })
    expect(logged).toEqual([])
  })

  it('changes survive a restart, and a part of the switches can be changed alone', () => {
    const { database, service, events } = createSettings()
    service.update({ theme: 'dark', osNotifications: { job_failed: false } })
    service.update({ chartSmoothing: 0.3 })
    const reopened = createSettings(database).service.get()
    expect(reopened).toMatchObject({ theme: 'dark', chartSmoothing: 0.3, osNotifications: { job_failed: false, job_completed: true } })
    expect(events.named('settings.changed').at(-1)).toEqual(reopened)
  })

  it('the theme is applied at the start and only when it changes', () => {
    const { service, themes } = createSettings()
    service.start()
    service.update({ chartSmoothing: 0.1 })
    service.update({ theme: 'light' })
    service.update({ theme: 'light' })
    expect(themes).toEqual(['system', 'light'])
  })

  it.each(['{', 'null', '"purple"', '7', '{"job_failed":"yes"}', '[]'])(
    'a damaged stored value (%s) falls back to the default instead of stopping the app',
    (text) => {
      const { database, service, logged } = createSettings()
      for (const key of ['theme', 'osNotifications', 'chartSmoothing'])
        database.prepare('INSERT INTO setting VALUES (?, ?, 1)').run(key, text)
      expect(service.get()).toEqual(createSettings().service.get())
      expect(logged.filter((line) => line.startsWith('warning: The stored setting'))).toHaveLength(3)
      service.get()
      expect(logged).toHaveLength(3)
    },
  )

  it('an unknown kind of notice is refused and nothing is stored', () => {
    const { database, service } = createSettings()
    expect(() => service.update({ theme: 'dark', osNotifications: { weekly_summary: true } })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
    expect(database.prepare('SELECT count(*) FROM setting').pluck().get()).toBe(0)
    expect(service.get().theme).toBe('system')
  })

  it('every link the window may name is an https page', async () => {
    const { handlers, opened } = createHandlers()
    for (const link of routes['settings.openLink'].input.shape.link.options) await handlers['settings.openLink']({ link }, context)
    expect(opened).toHaveLength(routes['settings.openLink'].input.shape.link.options.length)
    expect(opened.every((url) => new URL(url).protocol === 'https:')).toBe(true)
  })

  it('copied diagnostics carry no secret from the log', async () => {
    const { handlers, copied } = createHandlers('12:00 key rpa_ABCDEFGH12345678 and Bearer abcdefgh12345678\nhf_abcdefgh12345678')
    await handlers['settings.copyDiagnostics']({}, context)
    expect(copied[0]).toContain('Tunesmith: 0.1.0 (development)')
    expect(copied[0]).toContain('Last log lines')
    expect(copied[0]).not.toMatch(/ABCDEFGH|abcdefgh/)
  })

  it('reveals the data folder and nothing else', async () => {
    const { handlers, opened } = createHandlers()
    await handlers['settings.revealDataFolder']({}, context)
    expect(opened).toEqual(['/data'])
    expect(await handlers['settings.appInfo']({}, context)).toEqual(info)
  })
})

import { AppError } from '../../../preload/contract/errors.ts'
import type { RouteParsed } from '../../../preload/contract/contract.ts'
import { settingsSchema, type Settings } from '../../../preload/contract/settings.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { SettingsRepository } from './repository.ts'
import { readStoredSettings } from './stored-settings.ts'

interface SettingsServiceDependencies {
  readonly repository: SettingsRepository
  readonly clock: Clock
  readonly events: EventPublisher
  readonly log: Log
  readonly applyTheme: (theme: Settings['theme']) => void
}

export type SettingsService = ReturnType<typeof createSettingsService>

/** The rules of the settings: read once, changed in parts, the theme applied at once. */
export function createSettingsService({ repository, clock, events, log, applyTheme }: SettingsServiceDependencies) {
  let current: Settings | undefined
  const get = (): Settings => (current ??= readStoredSettings(repository.list(), log))

  return {
    get,
    update({ theme, osNotifications, chartSmoothing, monthBudgetMicroUsd }: RouteParsed<'settings.update'>): Settings {
      const before = get()
      const merged = settingsSchema.safeParse({
        theme: theme ?? before.theme,
        osNotifications: { ...before.osNotifications, ...osNotifications },
        chartSmoothing: chartSmoothing ?? before.chartSmoothing,
        monthBudgetMicroUsd: monthBudgetMicroUsd === undefined ? before.monthBudgetMicroUsd : monthBudgetMicroUsd,
      })
      if (!merged.success) throw new AppError('INVALID_INPUT', 'There is no notice of this kind. Reload the window and try again.')
      repository.save(merged.data, clock.nowMs())
      current = merged.data
      if (current.theme !== before.theme) applyTheme(current.theme)
      events.publish('settings.changed', current)
      return current
    },
    /** Applies what must hold before the first window opens. */
    start: (): void => applyTheme(get().theme),
  }
}

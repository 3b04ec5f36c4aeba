import type { z } from 'zod'
import { settingsSchema, type Settings } from '../../../preload/contract/settings.ts'
import type { Log } from '../../lib/log.ts'

/** What an app without any stored setting uses. */
export function defaultSettings(): Settings {
  return settingsSchema.parse({ osNotifications: {} })
}

/** Settings from stored JSON by key; a damaged or outdated value falls back to its default and is logged. */
export function readStoredSettings(stored: ReadonlyMap<string, string>, log: Log): Settings {
  const defaults = defaultSettings()
  const { theme, osNotifications, chartSmoothing, monthBudgetMicroUsd } = settingsSchema.shape
  const read = <T extends z.ZodType>(key: keyof Settings, schema: T, fallback: z.output<T>): z.output<T> => {
    const text = stored.get(key)
    if (text === undefined) return fallback
    const parsed = schema.safeParse(parseJson(text))
    if (parsed.success) return parsed.data
    log.warning(`The stored setting "${key}" is damaged; its default is used`, { problem: parsed.error.message })
    return fallback
  }
  return {
    theme: read('theme', theme, defaults.theme),
    osNotifications: read('osNotifications', osNotifications, defaults.osNotifications),
    chartSmoothing: read('chartSmoothing', chartSmoothing, defaults.chartSmoothing),
    monthBudgetMicroUsd: read('monthBudgetMicroUsd', monthBudgetMicroUsd, defaults.monthBudgetMicroUsd),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON is one more way of being damaged; no schema here accepts this.
    return Number.NaN
  }
}

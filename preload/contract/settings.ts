import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { doneSchema, emptySchema, microUsdSchema } from './primitives.ts'

/** Everything the user can set; defaults make an empty database valid. */
export const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  osNotifications: z.strictObject({
    dataset_ready: z.boolean().default(false),
    job_queued: z.boolean().default(false),
    job_started: z.boolean().default(false),
    job_completed: z.boolean().default(true),
    job_failed: z.boolean().default(true),
    job_cancelled: z.boolean().default(true),
    artifact_ready: z.boolean().default(true),
  }),
  chartSmoothing: z.number().min(0).max(0.99).default(0.6),
  /** The most that runs on charged endpoints may cost in a month; null without such a limit. */
  monthBudgetMicroUsd: microUsdSchema.min(10_000, 'A budget starts at one cent').nullable().default(null),
})
export type Settings = z.infer<typeof settingsSchema>

/** Facts about the app itself, for Settings and Copy diagnostics. */
export const appInfoSchema = z.object({
  version: z.string(),
  electron: z.string(),
  chrome: z.string(),
  node: z.string(),
  platform: z.string(),
  dataFolder: z.string(),
  logFile: z.string(),
  databaseVersion: z.int(),
  isPackaged: z.boolean(),
})
export type AppInfo = z.infer<typeof appInfoSchema>

export const settingsRoutes = defineRoutes({
  'settings.get': { input: emptySchema, output: settingsSchema },
  'settings.update': {
    input: z.strictObject({
      theme: z.enum(['system', 'light', 'dark']).optional(),
      osNotifications: z.record(z.string(), z.boolean()).optional(),
      chartSmoothing: z.number().min(0).max(0.99).optional(),
      monthBudgetMicroUsd: settingsSchema.shape.monthBudgetMicroUsd.unwrap().optional(),
    }),
    output: settingsSchema,
  },
  'settings.appInfo': { input: emptySchema, output: appInfoSchema },
  'settings.revealDataFolder': { input: emptySchema, output: doneSchema },
  /** Copies versions and the last log lines, redacted, to the clipboard. */
  'settings.copyDiagnostics': { input: emptySchema, output: doneSchema },
  /** Opens an allow-listed https page in the system's browser. */
  'settings.openLink': {
    input: z.strictObject({ link: z.enum(['runpod_console', 'runpod_api_keys', 'huggingface_models', 'python_downloads']) }),
    output: doneSchema,
  },
})

export const settingsEvents = defineEvents({
  'settings.changed': settingsSchema,
  /** A menu or shortcut asks the page to do something. */
  'settings.commandRequested': z.object({
    command: z.enum([
      'new_run',
      'open_settings',
      'command_palette',
      'import_dataset',
      'go_datasets',
      'go_runs',
      'go_adapters',
      'go_endpoints',
      'go_costs',
    ]),
  }),
})

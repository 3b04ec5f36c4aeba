import { z } from 'zod'
import { defineEvents, defineRoutes } from './define.ts'
import { byIdSchema, countSchema, doneSchema, emptySchema, idSchema, timeMsSchema } from './primitives.ts'

/** The seven kinds of notice. */
export const notificationTypeSchema = z.enum([
  'dataset_ready',
  'job_queued',
  'job_started',
  'job_completed',
  'job_failed',
  'job_cancelled',
  'artifact_ready',
])
export type NotificationType = z.infer<typeof notificationTypeSchema>

export const prioritySchema = z.enum(['low', 'medium', 'high'])

/** Where a click on a notice leads. */
export const notificationTargetSchema = z.object({ page: z.enum(['datasets', 'runs', 'adapters']), id: idSchema })

export const notificationSchema = z.object({
  id: idSchema,
  type: notificationTypeSchema,
  priority: prioritySchema,
  title: z.string(),
  message: z.string(),
  target: notificationTargetSchema,
  isRead: z.boolean(),
  createdAtMs: timeMsSchema,
})
export type Notification = z.infer<typeof notificationSchema>

export const notificationRoutes = defineRoutes({
  'notifications.list': {
    input: z.strictObject({ unreadOnly: z.boolean().default(false), limit: z.int().min(1).max(200).default(50) }),
    output: z.object({ unread: countSchema, notifications: z.array(notificationSchema) }),
  },
  'notifications.markRead': { input: byIdSchema, output: doneSchema },
  'notifications.markAllRead': { input: emptySchema, output: doneSchema },
})

export const notificationEvents = defineEvents({
  'notifications.changed': z.object({ unread: countSchema }),
  /** The user clicked an OS notice: go there. */
  'notifications.opened': notificationTargetSchema,
})

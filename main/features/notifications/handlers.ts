import type { FeatureHandlers } from '../../ipc/router.ts'
import type { NotificationService } from './service.ts'

/** The routes of the notices. */
export function createNotificationHandlers(service: NotificationService): FeatureHandlers<'notifications'> {
  return {
    'notifications.list': (query) => service.list(query),
    'notifications.markRead': ({ id }) => {
      service.markRead(id)
      return { done: true }
    },
    'notifications.markAllRead': () => {
      service.markAllRead()
      return { done: true }
    },
  }
}

import { AppError } from '../../../preload/contract/errors.ts'
import type { EventPayload, RouteOutput, RouteParsed } from '../../../preload/contract/contract.ts'
import type { Notification, NotificationType } from '../../../preload/contract/notifications.ts'
import type { EventPublisher } from '../../ipc/events.ts'
import type { Clock } from '../../lib/clock.ts'
import type { NewId } from '../../lib/ids.ts'
import type { NotificationRepository } from './repository.ts'

/** A notice for the user; shown once per `dedupeKey`. */
export interface Notice {
  readonly type: NotificationType
  readonly priority: Notification['priority']
  readonly title: string
  readonly message: string
  readonly target: EventPayload<'notifications.opened'>
  readonly dedupeKey: string
}

interface NotificationServiceDependencies {
  readonly repository: NotificationRepository
  readonly clock: Clock
  readonly newId: NewId
  readonly events: EventPublisher
  /** Whether the user wants this kind from the operating system too. */
  readonly isOsNoticeOn: (type: NotificationType) => boolean
  readonly showOsNotification: (notice: { title: string; message: string; onClick: () => void }) => void
}

const keptCount = 500

export type NotificationService = ReturnType<typeof createNotificationService>

/** The rules of the notices: once per thing that happened, in the app and by the operating system. */
export function createNotificationService(dependencies: NotificationServiceDependencies) {
  const { repository, clock, newId, events, isOsNoticeOn, showOsNotification } = dependencies
  const publishUnread = () => events.publish('notifications.changed', { unread: repository.countUnread() })
  const markRead = (id: string) => {
    if (repository.markRead(id)) publishUnread()
  }

  return {
    notify({ type, priority, title, message, target, dedupeKey }: Notice): void {
      const id = newId()
      const notice: Notification = { id, type, priority, title, message, target, isRead: false, createdAtMs: clock.nowMs() }
      if (!repository.insertOnce(notice, dedupeKey)) return
      repository.keepNewest(keptCount)
      publishUnread()
      if (!isOsNoticeOn(type)) return
      const onClick = () => {
        markRead(id)
        events.publish('notifications.opened', target)
      }
      showOsNotification({ title, message, onClick })
    },
    list({ unreadOnly, limit }: RouteParsed<'notifications.list'>): RouteOutput<'notifications.list'> {
      return { unread: repository.countUnread(), notifications: repository.list(unreadOnly, limit) }
    },
    markRead(id: string): void {
      if (!repository.exists(id)) throw new AppError('NOTIFICATION_NOT_FOUND', 'The notice is not there any more. Reload the list.')
      markRead(id)
    },
    markAllRead(): void {
      if (repository.markAllRead()) publishUnread()
    },
  }
}

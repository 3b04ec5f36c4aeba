import { describe, expect, it } from 'vitest'
import { routes } from '../../../../preload/contract/contract.ts'
import type { NotificationType } from '../../../../preload/contract/notifications.ts'
import { createNotificationHandlers } from '../../../../main/features/notifications/handlers.ts'
import { createNotificationRepository } from '../../../../main/features/notifications/repository.ts'
import { createNotificationService, type Notice } from '../../../../main/features/notifications/service.ts'
import { createUuidV7 } from '../../../../main/lib/ids.ts'
import { createMemoryDatabase } from '../../../support/memory-database.ts'
import { createRecordedEvents } from '../../../support/recorded-events.ts'

const targetId = createUuidV7(1_700_000_000_000)

function createNotices(osTypes: readonly NotificationType[] = []) {
  const events = createRecordedEvents()
  const shown: { title: string; message: string; onClick: () => void }[] = []
  let nowMs = 1_000
  const service = createNotificationService({
    repository: createNotificationRepository(createMemoryDatabase()),
    clock: { nowMs: () => nowMs++, after: () => () => undefined },
    newId: () => createUuidV7(nowMs),
    events,
    isOsNoticeOn: (type) => osTypes.includes(type),
    showOsNotification: (notice) => void shown.push(notice),
  })
  const notify = (dedupeKey: string, rest: Partial<Notice> = {}) =>
    service.notify({
      type: 'job_completed',
      priority: 'high',
      title: dedupeKey,
      message: 'Done.',
      target: { page: 'runs', id: targetId },
      dedupeKey,
      ...rest,
    })
  const list = (unreadOnly = false) => service.list({ unreadOnly, limit: 200 })
  return { service, events, shown, notify, list }
}

describe('notifications', () => {
  it('a replayed event shows neither a second notice in the app nor a second one by the system', () => {
    const { events, shown, notify, list } = createNotices(['job_completed'])
    notify('run:done')
    notify('run:done', { title: 'again' })
    expect(list().notifications.map((notice) => notice.title)).toEqual(['run:done'])
    expect(shown).toHaveLength(1)
    expect(events.named('notifications.changed')).toEqual([{ unread: 1 }])
  })

  it('a kind the user switched off stays inside the app', () => {
    const { shown, notify, list } = createNotices(['job_failed'])
    notify('quiet')
    notify('loud', { type: 'job_failed' })
    expect(shown.map((notice) => notice.title)).toEqual(['loud'])
    expect(list().unread).toBe(2)
  })

  it('a click on the system notice leads to the thing and marks it read', () => {
    const { events, shown, notify, list } = createNotices(['artifact_ready'])
    notify('adapter', { type: 'artifact_ready', target: { page: 'adapters', id: targetId } })
    shown[0]?.onClick()
    expect(events.named('notifications.opened')).toEqual([{ page: 'adapters', id: targetId }])
    expect(list().unread).toBe(0)
    shown[0]?.onClick()
    expect(events.named('notifications.opened')).toHaveLength(2)
  })

  it('the table does not grow for ever: the newest 500 are kept', () => {
    const { service, notify } = createNotices()
    for (let count = 0; count < 510; count += 1) notify(`notice ${count}`)
    expect(service.list({ unreadOnly: false, limit: 1000 }).notifications).toHaveLength(500)
    expect(service.list({ unreadOnly: false, limit: 1 }).notifications[0]?.title).toBe('notice 509')
  })

  it('reading changes the count once, and an unknown notice is named as such', () => {
    const { service, events, notify, list } = createNotices()
    notify('one')
    notify('two')
    const id = list().notifications[0]?.id ?? ''
    service.markRead(id)
    service.markRead(id)
    expect(list(true).notifications.map((notice) => notice.title)).toEqual(['one'])
    expect(() => service.markRead(createUuidV7(1))).toThrow(expect.objectContaining({ code: 'NOTIFICATION_NOT_FOUND' }))
    service.markAllRead()
    service.markAllRead()
    expect(events.named('notifications.changed')).toEqual([{ unread: 1 }, { unread: 2 }, { unread: 1 }, { unread: 0 }])
  })

  it('answers in the shape the window expects', async () => {
    const { service, notify } = createNotices()
    notify('one')
    const handlers = createNotificationHandlers(service)
    const context = { windowId: 1, droppedPath: null }
    const listed = routes['notifications.list'].output.parse(await handlers['notifications.list']({ unreadOnly: true, limit: 50 }, context))
    expect(listed.notifications[0]).toMatchObject({ target: { page: 'runs', id: targetId }, isRead: false })
    expect(await handlers['notifications.markAllRead']({}, context)).toEqual({ done: true })
    expect(await handlers['notifications.list']({ unreadOnly: true, limit: 50 }, context)).toEqual({ unread: 0, notifications: [] })
  })
})

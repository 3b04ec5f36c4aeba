import { z } from 'zod'
import { notificationSchema, type Notification } from '../../../preload/contract/notifications.ts'
import type { SqliteDatabase } from '../../db/open.ts'

const rowSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    priority: z.string(),
    title: z.string(),
    message: z.string(),
    target_page: z.string(),
    target_id: z.string(),
    is_read: z.int(),
    created_at_ms: z.int(),
  })
  .transform((row) => ({
    id: row.id,
    type: row.type,
    priority: row.priority,
    title: row.title,
    message: row.message,
    target: { page: row.target_page, id: row.target_id },
    isRead: row.is_read === 1,
    createdAtMs: row.created_at_ms,
  }))
  .pipe(notificationSchema)

export type NotificationRepository = ReturnType<typeof createNotificationRepository>

/** All SQL of the notices; no rules. */
export function createNotificationRepository(database: SqliteDatabase) {
  const insert = database.prepare(
    `INSERT INTO notification (id, type, priority, title, message, target_page, target_id, dedupe_key, created_at_ms)
     VALUES (@id, @type, @priority, @title, @message, @page, @targetId, @dedupeKey, @createdAtMs)
     ON CONFLICT (dedupe_key) DO NOTHING`,
  )
  const removeOldest = database.prepare(
    'DELETE FROM notification WHERE id IN (SELECT id FROM notification ORDER BY created_at_ms DESC, id DESC LIMIT -1 OFFSET ?)',
  )
  const list = database.prepare(
    'SELECT * FROM notification WHERE is_read = 0 OR @unreadOnly = 0 ORDER BY created_at_ms DESC, id DESC LIMIT @limit',
  )
  const countUnread = database.prepare('SELECT count(*) FROM notification WHERE is_read = 0').pluck()
  const exists = database.prepare('SELECT 1 FROM notification WHERE id = ?').pluck()
  const markRead = database.prepare('UPDATE notification SET is_read = 1 WHERE id = ? AND is_read = 0')
  const markAllRead = database.prepare('UPDATE notification SET is_read = 1 WHERE is_read = 0')
  return {
    /** False when the same thing was already noticed. */
    insertOnce({ target, isRead: _unread, ...notice }: Notification, dedupeKey: string): boolean {
      return insert.run({ ...notice, page: target.page, targetId: target.id, dedupeKey }).changes > 0
    },
    keepNewest: (count: number): void => void removeOldest.run(count),
    list: (unreadOnly: boolean, limit: number): Notification[] =>
      list.all({ unreadOnly: unreadOnly ? 1 : 0, limit }).map((row) => rowSchema.parse(row)),
    countUnread: (): number => Number(countUnread.get()),
    exists: (id: string): boolean => exists.get(id) !== undefined,
    markRead: (id: string): boolean => markRead.run(id).changes > 0,
    markAllRead: (): boolean => markAllRead.run().changes > 0,
  }
}

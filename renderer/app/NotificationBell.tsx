import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Bell } from 'lucide-react'
import { useState } from 'react'
import type { Notification } from '../../preload/contract/notifications.ts'
import { bridge } from '../lib/bridge.ts'
import { Button } from '../ui/Button.tsx'
import { Popover } from '../ui/Popover.tsx'
import { RelativeTime } from '../ui/RelativeTime.tsx'

/** Notices of what happened, newest first, with the count of unread ones. */
export function NotificationBell() {
  const [isOpen, setOpen] = useState(false)
  const navigate = useNavigate()
  const notices = useQuery({ queryKey: ['notifications'], queryFn: () => bridge.invoke('notifications.list', {}) })
  const markRead = useMutation({ mutationFn: (id: string) => bridge.invoke('notifications.markRead', { id }) })
  const markAllRead = useMutation({ mutationFn: () => bridge.invoke('notifications.markAllRead', {}) })
  const unread = notices.data?.unread ?? 0
  const open = (notice: Notification) => {
    markRead.mutate(notice.id)
    setOpen(false)
    void navigate({ to: `/${notice.target.page}/${notice.target.id}` })
  }
  return (
    <Popover
      title="Notifications"
      isOpen={isOpen}
      onOpenChange={setOpen}
      trigger={
        <Button variant="ghost" className="bell" aria-label={unread === 0 ? 'Notifications' : `Notifications, ${unread} unread`}>
          <Bell size={16} aria-hidden="true" />
          {unread > 0 && <span className="bell-count">{unread > 99 ? '99+' : unread}</span>}
        </Button>
      }
    >
      {notices.data === undefined || notices.data.notifications.length === 0 ? (
        <p className="page-note">Nothing yet. Finished imports, runs and adapters are listed here.</p>
      ) : (
        <>
          <Button size="small" onClick={() => markAllRead.mutate()} disabled={unread === 0}>
            Mark all as read
          </Button>
          <ul className="notices">
            {notices.data.notifications.map((notice) => (
              <li key={notice.id}>
                <button type="button" className="notice" data-read={notice.isRead} onClick={() => open(notice)}>
                  <b>{notice.title}</b>
                  <span>{notice.message}</span>
                  <RelativeTime atMs={notice.createdAtMs} />
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </Popover>
  )
}

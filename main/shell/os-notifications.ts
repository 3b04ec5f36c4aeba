import { Notification } from 'electron'

/** Shows a system notice; clicking it calls back. Does nothing where the system has none. */
export function showOsNotification(notice: {
  title: string
  message: string
  onClick: () => void
  onFailed: (reason: string) => void
}): void {
  if (!Notification.isSupported()) return
  const shown = new Notification({ title: notice.title, body: notice.message })
  shown.on('click', notice.onClick)
  shown.on('failed', (_event, reason) => notice.onFailed(reason))
  shown.show()
}

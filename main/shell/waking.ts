import { net, powerMonitor } from 'electron'

const lookAgainMs = 5_000

/** Tells when this computer wakes from sleep and when its network is back, so that nothing waits for a timer. */
export function watchWaking(told: { onWoken(): void; onOnline(): void }): void {
  powerMonitor.on('resume', () => told.onWoken())
  let wasOnline = net.isOnline()
  const timer = setInterval(() => {
    const isOnline = net.isOnline()
    if (isOnline && !wasOnline) told.onOnline()
    wasOnline = isOnline
  }, lookAgainMs)
  timer.unref()
}

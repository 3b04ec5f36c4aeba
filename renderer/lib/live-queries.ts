import type { QueryClient } from '@tanstack/react-query'
import { bridge } from './bridge.ts'

/** Marks cached answers as old when main says that something changed; query keys start with the domain. */
export function connectLiveQueries(client: QueryClient): () => void {
  const refresh = (...key: readonly unknown[]) => void client.invalidateQueries({ queryKey: key })
  const stops = [
    bridge.on('datasets.changed', () => refresh('datasets')),
    bridge.on('datasets.progressed', () => refresh('datasets')),
    bridge.on('runs.changed', () => refresh('runs')),
    bridge.on('runs.queueChanged', () => refresh('runs')),
    bridge.on('adapters.changed', () => refresh('adapters')),
    bridge.on('endpoints.changed', () => refresh('endpoints')),
    bridge.on('endpointSetups.changed', () => refresh('endpoints')),
    bridge.on('endpoints.localChanged', (state) => {
      client.setQueryData(['endpoints', 'local'], state)
      refresh('endpoints', 'list')
    }),
    bridge.on('costs.changed', () => refresh('costs')),
    bridge.on('notifications.changed', () => refresh('notifications')),
    bridge.on('settings.changed', (settings) => {
      client.setQueryData(['settings'], settings)
      // The month's budget is one of them.
      refresh('costs')
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

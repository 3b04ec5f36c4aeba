import type { EventName } from '../../preload/contract/contract.ts'
import type { EventPublisher } from '../../main/ipc/events.ts'

/** An event publisher that keeps what it was given. */
export interface RecordedEvents extends EventPublisher {
  readonly published: { readonly name: EventName; readonly payload: unknown }[]
  named(name: EventName): readonly unknown[]
}

/** Creates an empty recording. */
export function createRecordedEvents(): RecordedEvents {
  const published: { name: EventName; payload: unknown }[] = []
  return {
    published,
    publish: (name, payload) => void published.push({ name, payload }),
    named: (name) => published.filter((entry) => entry.name === name).map((entry) => entry.payload),
  }
}

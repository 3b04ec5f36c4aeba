import type { FaultSink } from './faults.ts'
import type { Role } from './roles.ts'

/** Who spoke last: nobody yet, one of the four roles, or somebody not understood. */
export const speaker = { nobody: 0, system: 1, user: 2, assistant: 3, tool: 4, unknown: 5 } as const
/** One of the speakers. */
export type Speaker = (typeof speaker)[keyof typeof speaker]
/** Names of the speakers, at their numbers. */
export const speakerNames = ['nobody', 'system', 'user', 'assistant', 'tool', 'unknown'] as const

/** Reports a turn that stands where chat templates do not expect it. */
export function reportOrder(previous: Speaker, now: Speaker, hasTalked: boolean, pointer: string, sink: FaultSink): void {
  const name = speakerNames[now]
  if (previous === speaker.unknown || now === speaker.unknown) return
  if (now === previous && now !== speaker.tool) {
    const between = now === speaker.user ? 'assistant' : 'user'
    sink.add('role.repeated', pointer, `Two ${name} turns stand in a row.`, name, now === speaker.system ? 'one system turn' : between)
  } else if (now === speaker.system) {
    if (previous !== speaker.nobody)
      sink.add(
        'role.system-not-first',
        pointer,
        'The system turn is not the first.',
        `system after ${speakerNames[previous]}`,
        'system as the first turn',
      )
  } else if (!hasTalked && now !== speaker.user) {
    sink.add('role.first-not-user', pointer, `The conversation starts with a ${name} turn.`, name, 'user')
  } else if (now === speaker.tool && previous !== speaker.assistant && previous !== speaker.tool) {
    sink.add(
      'role.tool-misplaced',
      pointer,
      `A tool turn follows a ${speakerNames[previous]} turn.`,
      `tool after ${speakerNames[previous]}`,
      'tool after assistant',
    )
  } else if (now === speaker.user && previous === speaker.tool) {
    sink.add(
      'role.tool-misplaced',
      pointer,
      'The user speaks before the assistant has used the tool’s reply.',
      'user after tool',
      'assistant after tool',
    )
  }
}

/** The role of a speaker; null for nobody and for one not understood. */
export function speakerRole(now: Speaker): Role | null {
  const name = speakerNames[now]
  return name === 'nobody' || name === 'unknown' ? null : name
}

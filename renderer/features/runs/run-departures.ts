import type { Run, RunAccepts } from '../../../preload/contract/runs.ts'

/** One way to go on although the trainer refused. */
export interface Departure {
  readonly id: keyof RunAccepts
  /** What was agreed to, as a statement. */
  readonly statement: string
  /** The button that starts again with it. */
  readonly action: string
}

const departures: Readonly<Record<'MASK_EMPTY' | 'ROWS_CUT', Departure>> = {
  MASK_EMPTY: {
    id: 'rowsWithoutAnswer',
    statement: 'Rows that have nothing to learn are left out',
    action: 'Start again and leave these rows out',
  },
  ROWS_CUT: {
    id: 'rowsCut',
    statement: 'More than one row in twenty may be shortened or left out',
    action: 'Start again and accept shorter rows',
  },
}

/** What a refused run can be started again with; null when its failure has no such way out. */
export function departureFor(run: Pick<Run, 'status' | 'workerError' | 'config'>): Departure | null {
  const code = run.workerError?.code
  if (run.status !== 'failed' || (code !== 'MASK_EMPTY' && code !== 'ROWS_CUT')) return null
  const departure = departures[code]
  // Agreed to already, so that it would be refused in the same way again.
  return run.config.accepts[departure.id] ? null : departure
}

/** The same run with one more agreement. */
export function configWith(run: Pick<Run, 'config'>, departure: Departure): Run['config'] {
  return { ...run.config, accepts: { ...run.config.accepts, [departure.id]: true } }
}

/** What was agreed to, in words. */
export function agreedDepartures(accepts: RunAccepts): readonly Departure[] {
  return Object.values(departures).filter(({ id }) => accepts[id])
}

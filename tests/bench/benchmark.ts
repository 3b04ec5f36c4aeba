/** One side of a comparison. */
export interface Contestant {
  /** Does the work once and answers with how much of it was done, so that a side that leaves work out is found. */
  run(): number | Promise<number>
  /** Clears up after a run; not timed. */
  reset?(): void | Promise<void>
}

/** Both sides of a comparison, ready to run. */
export interface Contest {
  readonly reference: Contestant
  readonly tunesmith: Contestant
  /** Lets go of what was opened for the rounds. */
  close?(): void
}

/** Something Tunesmith does, compared with the plainest code that does the same. */
export interface Benchmark {
  readonly name: string
  /** What Tunesmith does, for the table. */
  readonly work: string
  /** What it is compared with, for the table. */
  readonly against: string
  /** The largest ratio of times that is accepted. */
  readonly target: number
  /** How often both sides run; at least three. */
  readonly rounds: number
  /** Makes the inputs in an empty folder that is removed afterwards. */
  prepare(folder: string): Contest | Promise<Contest>
}

/** An expected failure of a set-up step: its message says what failed and what to do, and is all that gets printed. */
export function stepError(message) {
  const error = new Error(message)
  error.name = 'StepError'
  return error
}

/** Tells an expected failure from a defect in these scripts. */
export function isStepError(error) {
  return error instanceof Error && error.name === 'StepError'
}

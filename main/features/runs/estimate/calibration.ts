/** What an earlier run was predicted to take before any correction, and what it took. */
export interface Comparison {
  readonly rawMs: number
  readonly actualMs: number
}

/** How far predictions of this kind have been off, and how much they vary. */
export interface Calibration {
  /** Multiplies the next prediction. */
  readonly factor: number
  /** Half the width of its range on a logarithmic scale. */
  readonly spread: number
  readonly runs: number
}

/** As many imagined runs that went as predicted stand beside the real ones. */
const imaginedRuns = 2
/** One run that stood still for a night must not spoil the next estimates. */
const furthestLog = Math.log(4)

/**
 * Learns from earlier predictions. Each run's error is the logarithm of actual ÷ predicted, so that half and double
 * weigh alike; their mean is shrunk towards "no error" as if two more runs had gone exactly as predicted:
 * factor = exp(Σ errors ÷ (runs + 2)). One run that took 50 % longer thus moves the next estimate by 14 %, ten of
 * them by 40 %. The spread starts at `priorSpread` and goes over to the scatter of the errors in the same way.
 */
export function calibrate(comparisons: readonly Comparison[], priorSpread: number): Calibration {
  const errors = comparisons
    .filter(({ rawMs, actualMs }) => rawMs > 0 && actualMs > 0)
    .map(({ rawMs, actualMs }) => Math.max(-furthestLog, Math.min(furthestLog, Math.log(actualMs / rawMs))))
  const mean = errors.reduce((sum, error) => sum + error, 0) / (errors.length + imaginedRuns)
  const squares = errors.reduce((sum, error) => sum + (error - mean) ** 2, imaginedRuns * priorSpread ** 2)
  return { factor: Math.exp(mean), spread: Math.sqrt(squares / (errors.length + imaginedRuns)), runs: errors.length }
}

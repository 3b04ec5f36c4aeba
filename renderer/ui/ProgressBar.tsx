import './progress-bar.css'

interface ProgressBarProps {
  readonly label: string
  /** 0–1, or null while no total is known. */
  readonly value: number | null
}

/** A bar that is exact where a total is known and says so where it is not. */
export function ProgressBar({ label, value }: ProgressBarProps) {
  const percent = value === null ? null : Math.round(value * 100)
  return (
    <div
      className="progress-bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(percent === null ? {} : { 'aria-valuenow': percent })}
      data-open={percent === null}
    >
      <span style={{ width: percent === null ? '40%' : `${percent}%` }} />
    </div>
  )
}

import './sample-comparison.css'
import type { SamplePair } from '../lib/sample-pairs.ts'

interface SampleComparisonProps {
  readonly pairs: readonly SamplePair[]
  /** Stands where the trained answer is not there yet. */
  readonly missingText: string
}

/** Answers of the base model and the trained one to the same prompts, side by side; text is shown as text only. */
export function SampleComparison({ pairs, missingText }: SampleComparisonProps) {
  return (
    <ol className="sample-comparison">
      {pairs.map((pair) => (
        <li key={pair.prompt}>
          <p className="sample-comparison-prompt">
            <span>Prompt</span>
            {pair.prompt}
          </p>
          <div className="sample-comparison-answers">
            <Answer title="Base model" text={pair.base} missingText="–" />
            <Answer
              title={pair.trained === null ? 'Trained' : `Trained, step ${pair.trained.step.toLocaleString('en-US')}`}
              text={pair.trained?.text ?? null}
              missingText={missingText}
            />
          </div>
        </li>
      ))}
    </ol>
  )
}

function Answer({ title, text, missingText }: { readonly title: string; readonly text: string | null; readonly missingText: string }) {
  return (
    <div className="sample-comparison-answer">
      <p className="sample-comparison-title">{title}</p>
      {text === null ? <p className="sample-comparison-missing">{missingText}</p> : <p>{text === '' ? '(empty answer)' : text}</p>}
    </div>
  )
}

import type { RunSample } from '../../preload/contract/runs.ts'

/** What the base model and the newest trained state wrote to one prompt. */
export interface SamplePair {
  readonly prompt: string
  readonly base: string | null
  readonly trained: { readonly text: string; readonly step: number } | null
}

/** Steps after the first that have answers, newest first. */
export function sampleSteps(samples: readonly RunSample[]): readonly number[] {
  const steps = samples.flatMap(({ step }) => (step === 0 ? [] : [step]))
  return [...new Set(steps)].toSorted((a, b) => b - a)
}

/** Puts the texts of each prompt side by side, in the order the prompts were first used; of the newest step, or of the one asked for. */
export function pairSamples(samples: readonly RunSample[], atStep: number | null = null): readonly SamplePair[] {
  const pairs = new Map<string, SamplePair>()
  for (const { prompt, step, text } of samples) {
    const pair = pairs.get(prompt) ?? { prompt, base: null, trained: null }
    if (step === 0) pairs.set(prompt, { ...pair, base: text })
    else if (atStep === null ? pair.trained === null || step >= pair.trained.step : step === atStep)
      pairs.set(prompt, { ...pair, trained: { text, step } })
    else pairs.set(prompt, pair)
  }
  return [...pairs.values()]
}

import type { RunSample } from '../../preload/contract/runs.ts'

/** What the base model and the newest trained state wrote to one prompt. */
export interface SamplePair {
  readonly prompt: string
  readonly base: string | null
  readonly trained: { readonly text: string; readonly step: number } | null
}

/** Puts the texts of each prompt side by side, in the order the prompts were first used. */
export function pairSamples(samples: readonly RunSample[]): readonly SamplePair[] {
  const pairs = new Map<string, SamplePair>()
  for (const { prompt, step, text } of samples) {
    const pair = pairs.get(prompt) ?? { prompt, base: null, trained: null }
    if (step === 0) pairs.set(prompt, { ...pair, base: text })
    else if (pair.trained === null || step >= pair.trained.step) pairs.set(prompt, { ...pair, trained: { text, step } })
  }
  return [...pairs.values()]
}

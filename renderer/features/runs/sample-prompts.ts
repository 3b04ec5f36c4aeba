import { runConfigSchema } from '../../../preload/contract/runs.ts'

const mostPrompts = 10

/** Prompts out of a text with one on each line; null values while the text cannot be used. */
export function readPrompts(text: string): { readonly values: readonly string[] | null; readonly error: string | null } {
  const lines = text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]))
  // The same prompt twice would be one line of the comparison.
  const prompts = [...new Set(lines)]
  if (prompts.length > mostPrompts) return { values: null, error: `Write at most ${mostPrompts} prompts; these are ${prompts.length}.` }
  if (runConfigSchema.shape.samplePrompts.safeParse(prompts).success) return { values: prompts, error: null }
  return { values: null, error: 'A prompt may have at most 4,000 characters.' }
}

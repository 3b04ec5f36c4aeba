import type { ModelFamily } from '../../../preload/contract/models.ts'

const patterns: readonly (readonly [RegExp, ModelFamily])[] = [
  [/smollm/i, 'smollm'],
  [/qwen/i, 'qwen'],
  [/gemma/i, 'gemma'],
  [/mistral|ministral/i, 'mistral'],
  [/llama/i, 'llama'],
]

/** The family a model's name, type or architecture speaks of; `other` when it names none. */
export function familyOf(text: string): ModelFamily {
  return patterns.find(([pattern]) => pattern.test(text))?.[1] ?? 'other'
}

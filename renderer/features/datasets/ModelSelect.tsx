import type { TokenizerChoice } from '../../../preload/contract/datasets.ts'
import { useTokenizers } from './part-queries.ts'

interface ModelSelectProps {
  readonly label: string
  readonly value: string | null
  readonly onChange: (modelId: string) => void
}

/** One of the base models whose tokens can be counted here, by family. */
export function ModelSelect({ label, value, onChange }: ModelSelectProps) {
  const tokenizers = useTokenizers().data ?? []
  const families = groupByFamily(tokenizers)
  return (
    <select aria-label={label} value={value ?? ''} disabled={tokenizers.length === 0} onChange={(event) => onChange(event.target.value)}>
      {value === null && <option value="">Choose a base model</option>}
      {[...families].map(([family, choices]) => (
        <optgroup key={family} label={family}>
          {choices.map(({ modelId, modelName }) => (
            <option key={modelId} value={modelId}>
              {modelName}
            </option>
          ))}
        </optgroup>
      ))}
    </select>
  )
}

function groupByFamily(tokenizers: readonly TokenizerChoice[]): Map<string, TokenizerChoice[]> {
  const families = new Map<string, TokenizerChoice[]>()
  for (const choice of tokenizers) families.set(choice.family, [...(families.get(choice.family) ?? []), choice])
  return families
}

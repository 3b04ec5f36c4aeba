import { useMutation } from '@tanstack/react-query'
import { folderPrefix } from '../../../preload/contract/dataset-shapes.ts'
import type { TokenizerChoice } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'
import { describeError } from '../../lib/describe-error.ts'
import { useTokenizers } from './part-queries.ts'

interface ModelSelectProps {
  readonly label: string
  readonly value: string | null
  readonly onChange: (modelId: string) => void
}

const pickFolderValue = 'pick-folder'

/** One of the base models whose tokens can be counted here, by family, or a model in a folder. */
export function ModelSelect({ label, value, onChange }: ModelSelectProps) {
  const tokenizers = useTokenizers().data ?? []
  const families = groupByFamily(tokenizers)
  const pick = useMutation({
    mutationFn: () => bridge.invoke('models.pickFolder', {}),
    onSuccess: (model) => {
      if (model?.kind === 'folder') onChange(`${folderPrefix}${model.path}`)
    },
  })
  return (
    <>
      <select
        aria-label={label}
        value={value ?? ''}
        disabled={tokenizers.length === 0 || pick.isPending}
        onChange={({ target }) => (target.value === pickFolderValue ? pick.mutate() : onChange(target.value))}
      >
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
        <optgroup label="On this computer">
          {value?.startsWith(folderPrefix) === true && <option value={value}>{folderName(value)}</option>}
          <option value={pickFolderValue}>Another model’s folder…</option>
        </optgroup>
      </select>
      {pick.error !== null && (
        <span role="alert" className="field-hint">
          {describeError(pick.error)}
        </span>
      )}
    </>
  )
}

function folderName(modelId: string): string {
  return modelId.split(/[/\\]/).at(-1) ?? modelId
}

function groupByFamily(tokenizers: readonly TokenizerChoice[]): Map<string, TokenizerChoice[]> {
  const families = new Map<string, TokenizerChoice[]>()
  for (const choice of tokenizers) families.set(choice.family, [...(families.get(choice.family) ?? []), choice])
  return families
}

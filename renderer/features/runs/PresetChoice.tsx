import type { Preset } from '../../../preload/contract/hyperparameters.ts'
import { presetLabels } from '../../lib/hyperparameter-text.ts'
import { ChoiceOption } from './ChoiceSection.tsx'

/** What each preset is for, in one line. */
export const presetLines: Readonly<Record<Preset, string>> = {
  fast: 'One pass with a small adapter. Shows whether the data works.',
  balanced: 'Two passes, measured five times each. A good first real run.',
  quality: 'Three passes with a large adapter. Takes longest.',
  custom: 'Every value as you set it below.',
}

const presets: readonly Preset[] = ['fast', 'balanced', 'quality', 'custom']

interface PresetChoiceProps {
  readonly chosen: Preset
  readonly onChoose: (preset: Preset) => void
}

/** Four ways to train. */
export function PresetChoice({ chosen, onChoose }: PresetChoiceProps) {
  return (
    <ul className="choice-options choice-options-pairs">
      {presets.map((preset) => (
        <ChoiceOption
          key={preset}
          title={presetLabels[preset]}
          detail={presetLines[preset]}
          isChosen={preset === chosen}
          onChoose={() => onChoose(preset)}
        />
      ))}
    </ul>
  )
}

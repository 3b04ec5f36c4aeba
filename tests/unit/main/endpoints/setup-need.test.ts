import { expect, it } from 'vitest'
import type { ModelFacts } from '../../../../preload/contract/models.ts'
import { computeNeed } from '../../../../main/features/endpoints/setup/need.ts'

const baseModel = { kind: 'huggingface', id: 'Qwen/Qwen3-8B', revision: null } as const
const model = (parameters: number | null): ModelFacts => ({
  label: 'Qwen3 8B',
  family: 'qwen',
  parameters,
  hiddenSize: 4096,
  contextLength: 40_960,
  isGated: false,
})

it('8 billion weights in 16 bits do not go on a card of 24 GB, in 4 bits they do', () => {
  const full = computeNeed(model(8.2e9), { baseModel, loadIn4bit: false, volumeGb: null })
  const packed = computeNeed(model(8.2e9), { baseModel, loadIn4bit: true, volumeGb: null })
  // 8.2 × (2 + 0.16) + 8 and 8.2 × (0.65 + 0.16) + 8, in 10⁹ bytes.
  expect(full.gpuMemoryBytes).toBe(25_712_000_000)
  expect(packed.gpuMemoryBytes).toBe(14_642_000_000)
  expect(full.volumeBytes).toBe(36_400_000_000)
})

it('a volume on which the model leaves no room is refused before it is paid for', () => {
  const asked = () => computeNeed(model(8.2e9), { baseModel, loadIn4bit: false, volumeGb: 20 })
  expect(asked).toThrow('at least 27 GB')
  expect(computeNeed(model(8.2e9), { baseModel, loadIn4bit: false, volumeGb: 27 }).volumeBytes).toBe(27e9)
})

it('nothing is computed for a model whose size is not known, or that a worker cannot read', () => {
  expect(() => computeNeed(model(null), { baseModel, loadIn4bit: false, volumeGb: null })).toThrow('not known')
  const folder = { kind: 'folder', path: '/models/mine' } as const
  expect(() => computeNeed(model(1e9), { baseModel: folder, loadIn4bit: false, volumeGb: null })).toThrow('catalogue')
})

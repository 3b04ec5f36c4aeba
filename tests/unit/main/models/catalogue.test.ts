import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { baseModelRefSchema } from '../../../../preload/contract/models.ts'
import { loadCatalogue } from '../../../../main/features/models/catalogue.ts'

const catalogue = loadCatalogue(fileURLToPath(new URL('../../../../resources/models', import.meta.url)))

describe('the shipped catalogue', () => {
  it('offers every family the product promises, each model once and with a usable id', () => {
    expect(new Set(catalogue.map((model) => model.family))).toEqual(new Set(['smollm', 'qwen', 'llama', 'gemma', 'mistral']))
    expect(new Set(catalogue.map((model) => model.id)).size).toBe(catalogue.length)
    for (const { id } of catalogue) expect(baseModelRefSchema.safeParse({ kind: 'huggingface', id, revision: null }).success).toBe(true)
    expect(catalogue.map((model) => model.id)).toContain('Qwen/Qwen3-Next-80B-A3B-Instruct')
  })

  it('has sizes that agree with each other', () => {
    for (const model of catalogue) {
      expect(model.activeParameters < model.parameters).toBe(model.isMixtureOfExperts)
      // A dense transformer has at least 8 and at most 40 weights per hidden² and layer, plus its vocabulary.
      const perLayer = model.activeParameters / (model.layers * model.hiddenSize ** 2)
      expect({ id: model.id, plausible: perLayer > 6 && perLayer < 40 }).toEqual({ id: model.id, plausible: true })
      expect(model.fitsThisComputer && model.parameters > 1e9).toBe(false)
      expect(model.contextLength).toBeGreaterThanOrEqual(8192)
    }
  })

  it.each([
    ['Qwen/Qwen3-4B', 36, 2560, 9728, 32, 8, 128, 151936, true, 2],
    ['meta-llama/Llama-3.1-8B-Instruct', 32, 4096, 14336, 32, 8, 128, 128256, false, 0],
    ['mistralai/Mistral-Small-24B-Instruct-2501', 40, 5120, 32768, 32, 8, 128, 131072, false, 0],
    ['mistralai/Mistral-Nemo-Instruct-2407', 40, 5120, 14336, 32, 8, 128, 131072, false, 0],
    ['HuggingFaceTB/SmolLM2-135M-Instruct', 30, 576, 1536, 9, 3, 64, 49152, true, 0],
    ['Qwen/Qwen3-0.6B', 28, 1024, 3072, 16, 8, 128, 151936, true, 2],
  ])(
    '%s: the parameter count follows from its published config',
    (id, layers, hidden, inner, heads, kvHeads, headSize, vocabulary, isTied, headNorms) => {
      const attention = 2 * hidden * heads * headSize + 2 * hidden * kvHeads * headSize + headNorms * headSize
      const total = layers * (attention + 3 * hidden * inner + 2 * hidden) + hidden + vocabulary * hidden * (isTied ? 1 : 2)
      expect(catalogue.find((model) => model.id === id)).toMatchObject({ parameters: total, hiddenSize: hidden, layers })
    },
  )
})

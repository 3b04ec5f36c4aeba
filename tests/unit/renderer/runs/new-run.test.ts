import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hyperparametersSchema } from '../../../../preload/contract/hyperparameters.ts'
import { isSameModel, nameModel, readModelId, writeParameters } from '../../../../renderer/features/runs/base-model.ts'
import { createRunDraftStore, presetOf } from '../../../../renderer/features/runs/draft-store.ts'
import { editsOf, readForm } from '../../../../renderer/features/runs/hyperparameter-form.ts'
import { hyperparameterGroups } from '../../../../renderer/lib/hyperparameter-text.ts'
import { createRun, hyperparameters } from './fixtures.ts'

describe('hyperparameter form', () => {
  it('accepts exactly what the contract accepts, so that Start never fails on a value the form let through', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('learning_rate', 'num_train_epochs', 'max_length', 'eval_fraction', 'max_steps'),
        fc.double({ min: -1, max: 40_000, noNaN: true }),
        (name, value) => {
          const form = readForm(hyperparameters, { [name]: String(value) })
          expect(form.values !== null).toBe(hyperparametersSchema.safeParse({ ...hyperparameters, [name]: value }).success)
          expect(form.errors[name] === undefined).toBe(form.values !== null)
        },
      ),
    )
  })

  it('does not read an empty field as zero', () => {
    expect(readForm(hyperparameters, { seed: '  ' }).errors.seed).toContain('whole number from 0 to')
    expect(readForm(hyperparameters, { max_steps: '' })).toMatchObject({ values: { max_steps: null }, changed: [] })
  })

  it('tells someone who writes a decimal comma what to write instead', () => {
    expect(readForm(hyperparameters, { learning_rate: '0,0002' }).errors.learning_rate).toContain('Use a point')
  })

  it('counts a value typed back to what the preset has as not changed', () => {
    expect(readForm(hyperparameters, { lora_r: '64' }).changed).toEqual(['lora_r'])
    expect(readForm(hyperparameters, { lora_r: '32' }).changed).toEqual([])
  })

  it('writes every value so that "Run again" starts from exactly the same settings', () => {
    const odd = { ...hyperparameters, learning_rate: 0.000_183_749_2, max_steps: 12 }
    expect(readForm({ ...hyperparameters, lora_r: 8 }, editsOf(odd)).values).toEqual(odd)
  })

  it('shows every setting once', () => {
    expect(hyperparameterGroups.flatMap((group) => group.names).toSorted()).toEqual(Object.keys(hyperparametersSchema.shape).toSorted())
  })
})

describe('draft of a run', () => {
  it('becomes Custom with the first differing value and is the preset again when it is undone', () => {
    const store = createRunDraftStore()
    store.getState().choosePreset('quality')
    store.getState().edit('lora_r', '8')
    const changed = () => readForm(hyperparameters, store.getState().edits).changed.length
    expect(presetOf(store.getState(), changed())).toBe('custom')
    store.getState().edit('lora_r', '32')
    expect(presetOf(store.getState(), changed())).toBe('quality')
  })

  it('a chosen preset drops earlier edits, so that its name is never wrong', () => {
    const store = createRunDraftStore()
    store.getState().edit('lora_r', '8')
    store.getState().choosePreset('fast')
    expect(store.getState()).toMatchObject({ basis: 'fast', isCustom: false, edits: {} })
  })

  it('"Run again" takes over every choice of the earlier run', () => {
    const store = createRunDraftStore()
    store.getState().rename('left over')
    const run = createRun()
    store.getState().copyRun({ ...run, config: { ...run.config, preset: 'custom' } })
    expect(store.getState()).toMatchObject({
      datasetId: run.config.datasetId,
      baseModel: run.config.baseModel,
      endpointId: run.config.endpointId,
      isCustom: true,
      name: '',
    })
  })
})

describe('base model', () => {
  it('takes an id or a pasted page address and refuses anything else with the form to use', () => {
    expect(readModelId(' Qwen/Qwen3-0.6B ').model).toEqual({ kind: 'huggingface', id: 'Qwen/Qwen3-0.6B', revision: null })
    expect(readModelId('https://huggingface.co/Qwen/Qwen3-0.6B/').model).toEqual({
      kind: 'huggingface',
      id: 'Qwen/Qwen3-0.6B',
      revision: null,
    })
    expect(readModelId('Qwen3').error).toContain('organisation/name')
  })

  it('names a folder by its last part on either kind of system', () => {
    expect(nameModel({ kind: 'folder', path: '/data/models/mine/' }, [])).toBe('mine')
    expect(nameModel({ kind: 'folder', path: 'C:\\models\\mine' }, [])).toBe('mine')
  })

  it('does not take two revisions for the same model', () => {
    expect(isSameModel({ kind: 'huggingface', id: 'a/b', revision: null }, { kind: 'huggingface', id: 'a/b', revision: 'v2' })).toBe(false)
  })

  it('writes sizes without a false digit', () => {
    expect([134_515_008, 1_711_376_384, 30_532_122_624].map(writeParameters)).toEqual(['135 M', '1.7 B', '31 B'])
  })
})

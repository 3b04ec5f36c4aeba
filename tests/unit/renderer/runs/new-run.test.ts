import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hyperparametersSchema } from '../../../../preload/contract/hyperparameters.ts'
import { isSameModel, nameModel, readModelId, writeParameters } from '../../../../renderer/features/runs/base-model.ts'
import { createRunDraftStore, presetOf } from '../../../../renderer/features/runs/draft-store.ts'
import { editsOf, readForm } from '../../../../renderer/features/runs/hyperparameter-form.ts'
import { hyperparameterGroups, readableHyperparameter } from '../../../../renderer/lib/hyperparameter-text.ts'
import { readPrompts } from '../../../../renderer/features/runs/sample-prompts.ts'
import { noGpuReason } from '../../../../renderer/features/runs/use-new-run.ts'
import { aLocalState } from '../../../support/renderer/fixtures.ts'
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

  it('reads a switch back as what it was, so that "Run again" does not turn packing off', () => {
    expect(readForm(hyperparameters, { packing: 'Off', load_in_4bit: 'Off' })).toMatchObject({
      values: { packing: false, load_in_4bit: false },
      changed: ['packing'],
    })
    expect(readForm({ ...hyperparameters, packing: false }, editsOf(hyperparameters)).values?.packing).toBe(true)
  })

  it('does not start a 4-bit run where there is no NVIDIA GPU, also when it was copied from one that had', () => {
    const copied = readForm(hyperparameters, { load_in_4bit: 'On' }, { load_in_4bit: 'Needs an NVIDIA GPU.' })
    expect(copied).toMatchObject({ values: null, errors: { load_in_4bit: 'Needs an NVIDIA GPU. Choose Off.' } })
    expect(readForm(hyperparameters, {}, { load_in_4bit: 'Needs an NVIDIA GPU.' }).errors).toEqual({})
  })

  it('names an empty limit by what it means, not by another setting’s word', () => {
    expect(readableHyperparameter('early_stopping_patience', null)).toBe('Off')
    expect(readableHyperparameter('max_steps', null)).toBe('No limit')
    expect(readForm(hyperparameters, { early_stopping_patience: '' })).toMatchObject({ values: { early_stopping_patience: null } })
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

describe('an NVIDIA GPU', () => {
  const python = { status: 'ready', version: '3.12.4', message: 'Ready.', progress: null } as const
  const local = (kind: 'cpu' | 'cuda') => ({ ...aLocalState(python), device: { kind, name: kind, memoryBytes: null } })

  it('is not missed on RunPod, and is on a computer without one or not yet known', () => {
    expect(noGpuReason({ kind: 'runpod' }, undefined)).toBeNull()
    expect(noGpuReason({ kind: 'local' }, local('cuda'))).toBeNull()
    expect(noGpuReason({ kind: 'local' }, local('cpu'))).toContain('this computer has none')
    expect(noGpuReason({ kind: 'local' }, undefined)).toContain('once it is set up')
    expect(noGpuReason(undefined, local('cuda'))).toContain('Needs an endpoint')
  })
})

describe('sample prompts', () => {
  it('are one on each line, without empty ones and repeats', () => {
    expect(readPrompts(' Hello \n\nWhat is due?\nHello')).toEqual({ values: ['Hello', 'What is due?'], error: null })
    expect(readPrompts('')).toEqual({ values: [], error: null })
  })

  it('are refused when there are more than ten or one is too long, before main would refuse the run', () => {
    const eleven = Array.from({ length: 11 }, (_, at) => `prompt ${at}`).join('\n')
    expect(readPrompts(eleven)).toEqual({ values: null, error: 'Write at most 10 prompts; these are 11.' })
    expect(readPrompts('x'.repeat(4001)).error).toContain('4,000')
  })

  it('and agreements go with "Run again" and can be taken back', () => {
    const store = createRunDraftStore()
    const run = createRun()
    store.getState().copyRun({
      ...run,
      config: { ...run.config, samplePrompts: ['a', 'b'], accepts: { rowsWithoutAnswer: true, rowsCut: true } },
    })
    expect(store.getState().promptText).toBe('a\nb')
    store.getState().refuse('rowsCut')
    expect(store.getState().accepts).toEqual({ rowsWithoutAnswer: true, rowsCut: false })
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

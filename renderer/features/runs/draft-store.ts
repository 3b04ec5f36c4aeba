import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Preset } from '../../../preload/contract/hyperparameters.ts'
import type { BaseModelRef } from '../../../preload/contract/models.ts'
import type { Run, RunAccepts } from '../../../preload/contract/runs.ts'
import type { HyperparameterName } from '../../lib/hyperparameter-text.ts'
import { editsOf, type HyperparameterEdits } from './hyperparameter-form.ts'

/** The four decisions of a new run, in the order they are made. */
export type DraftChoice = 'dataset' | 'model' | 'endpoint' | 'preset'

/** A run the user is still deciding on. */
export interface RunDraft {
  readonly datasetId: string | null
  readonly baseModel: BaseModelRef | null
  readonly endpointId: string | null
  /** The preset whose values lie under the edits. */
  readonly basis: Exclude<Preset, 'custom'>
  /** True once the user asked for Custom, even before any value differs. */
  readonly isCustom: boolean
  readonly edits: HyperparameterEdits
  readonly name: string
  /** One prompt per line. */
  readonly promptText: string
  /** The most the run may cost, as typed. */
  readonly budgetText: string
  /** What the user agreed to after an earlier run was refused. */
  readonly accepts: RunAccepts
  /** The run that this one tries again. */
  readonly retryOf: string | null
  /** A decided choice that the user opened again. */
  readonly reopened: DraftChoice | null
  readonly isAdvancedOpen: boolean
}

interface RunDraftActions {
  chooseDataset(datasetId: string): void
  chooseModel(baseModel: BaseModelRef): void
  chooseEndpoint(endpointId: string): void
  choosePreset(preset: Preset): void
  edit(name: HyperparameterName, text: string): void
  resetEdits(): void
  rename(name: string): void
  writePrompts(promptText: string): void
  writeBudget(budgetText: string): void
  /** Takes an agreement back. */
  refuse(departure: keyof RunAccepts): void
  reopen(choice: DraftChoice | null): void
  setAdvancedOpen(isOpen: boolean): void
  /** Takes over every choice of an earlier run, or of what is to be tried in its place. */
  copyRun(run: Pick<Run, 'id' | 'config'>): void
  clear(): void
}

export type RunDraftStore = StoreApi<RunDraft & RunDraftActions>

const empty: RunDraft = {
  datasetId: null,
  baseModel: null,
  endpointId: null,
  basis: 'balanced',
  isCustom: false,
  edits: {},
  name: '',
  promptText: '',
  budgetText: '',
  accepts: { rowsWithoutAnswer: false, rowsCut: false },
  retryOf: null,
  reopened: null,
  isAdvancedOpen: false,
}

/** Makes the store that keeps a half-decided run while the user looks at other pages. */
export function createRunDraftStore(): RunDraftStore {
  return createStore((set) => ({
    ...empty,
    chooseDataset: (datasetId) => set({ datasetId, reopened: null }),
    chooseModel: (baseModel) => set({ baseModel, reopened: null }),
    chooseEndpoint: (endpointId) => set({ endpointId, reopened: null }),
    choosePreset: (preset) =>
      set(
        preset === 'custom'
          ? { isCustom: true, isAdvancedOpen: true, reopened: null }
          : { basis: preset, isCustom: false, edits: {}, reopened: null },
      ),
    edit: (name, text) => set((draft) => ({ edits: { ...draft.edits, [name]: text } })),
    resetEdits: () => set({ edits: {}, isCustom: false }),
    rename: (name) => set({ name }),
    writePrompts: (promptText) => set({ promptText }),
    writeBudget: (budgetText) => set({ budgetText }),
    refuse: (departure) => set((draft) => ({ accepts: { ...draft.accepts, [departure]: false } })),
    reopen: (reopened) => set({ reopened }),
    setAdvancedOpen: (isAdvancedOpen) => set({ isAdvancedOpen }),
    copyRun: ({ id, config }) =>
      set({
        ...empty,
        retryOf: id,
        datasetId: config.datasetId,
        baseModel: config.baseModel,
        endpointId: config.endpointId,
        basis: config.preset === 'custom' ? 'balanced' : config.preset,
        isCustom: config.preset === 'custom',
        edits: editsOf(config.hyperparameters),
        promptText: config.samplePrompts.join('\n'),
        budgetText: config.budgetMicroUsd === null ? '' : (config.budgetMicroUsd / 1_000_000).toFixed(2),
        accepts: config.accepts,
      }),
    clear: () => set(empty),
  }))
}

/** The one draft of this window. */
export const runDraftStore = createRunDraftStore()

/** The preset a draft amounts to: Custom from the first differing value on. */
export function presetOf(draft: Pick<RunDraft, 'basis' | 'isCustom'>, changedCount: number): Preset {
  return draft.isCustom || changedCount > 0 ? 'custom' : draft.basis
}

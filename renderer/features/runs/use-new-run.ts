import { useEffect, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import type { Dataset } from '../../../preload/contract/datasets.ts'
import type { Endpoint, LocalState } from '../../../preload/contract/endpoints.ts'
import type { Hyperparameters, Preset } from '../../../preload/contract/hyperparameters.ts'
import type { BaseModel } from '../../../preload/contract/models.ts'
import type { Estimate, PreflightItem, RunConfig } from '../../../preload/contract/runs.ts'
import { readBudget } from '../../lib/budget.ts'
import { presetOf, runDraftStore } from './draft-store.ts'
import { switchTexts } from '../../lib/hyperparameter-text.ts'
import { readForm, type BlockedSwitches, type ReadForm } from './hyperparameter-form.ts'
import {
  composeConfig,
  useCatalogue,
  useDatasetChoices,
  useEndpointChoices,
  useEstimate,
  useLivePlan,
  useLocalState,
  usePreflight,
  usePreset,
} from './queries.ts'
import { readPrompts } from './sample-prompts.ts'

const settleMs = 500

/** Everything the New run page shows that follows from the draft. */
export interface NewRun {
  readonly datasets: readonly Dataset[] | undefined
  readonly catalogue: readonly BaseModel[] | undefined
  readonly endpoints: readonly Endpoint[] | undefined
  readonly dataset: Dataset | undefined
  readonly endpoint: Endpoint | undefined
  readonly preset: Preset
  readonly presetNotes: readonly string[]
  /** The preset's values and what the user's texts make of them; null until a model is chosen. */
  readonly form: { readonly base: Hyperparameters; readonly read: ReadForm } | null
  /** Switches that cannot be on at the chosen endpoint. */
  readonly blocked: BlockedSwitches
  readonly promptError: string | null
  readonly budgetError: string | null
  /** Null while a choice is missing or a value is invalid. */
  readonly config: RunConfig | null
  readonly plan: NewRunPlan
  readonly loadError: unknown
}

/** The plan for the configuration on screen; `isCurrent` is false while it still belongs to an earlier one. */
export interface NewRunPlan {
  readonly estimate: Estimate | null
  readonly preflight: readonly PreflightItem[] | null
  readonly isCurrent: boolean
  readonly error: unknown
}

/** Joins the draft with what is known about its choices, and keeps the plan up to date. */
export function useNewRun(): NewRun {
  const draft = useStore(runDraftStore)
  useLivePlan()
  const datasets = useDatasetChoices()
  const catalogue = useCatalogue()
  const endpoints = useEndpointChoices()
  const dataset = datasets.data?.find((entry) => entry.id === draft.datasetId && entry.isTrainable)
  const endpoint = chosenEndpoint(endpoints.data, draft.endpointId)
  const local = useLocalState()
  const presetValues = usePreset({
    preset: draft.basis,
    baseModel: draft.baseModel,
    datasetId: dataset?.id ?? null,
    isIn4bit: draft.edits.load_in_4bit === switchTexts.on,
  })
  const base = presetValues.data?.hyperparameters
  const noGpu = noGpuReason(endpoint, local.data)
  const blocked: BlockedSwitches = noGpu === null ? {} : { load_in_4bit: noGpu }
  const form = base === undefined ? null : { base, read: readForm(base, draft.edits, blocked) }
  const prompts = readPrompts(draft.promptText)
  const budget = endpoint?.kind === 'runpod' ? readBudget(draft.budgetText) : { value: null, error: null }
  const preset = presetOf(draft, form?.read.changed.length ?? 0)
  const config = composeConfig({
    datasetId: dataset?.id ?? null,
    baseModel: draft.baseModel,
    endpointId: endpoint?.id ?? null,
    preset,
    hyperparameters: form?.read.values ?? null,
    accepts: draft.accepts,
    budgetMicroUsd: budget.value,
    samplePrompts: prompts.values,
  })
  const plan = usePlan(config)
  return {
    datasets: datasets.data,
    catalogue: catalogue.data,
    endpoints: endpoints.data,
    dataset,
    endpoint,
    preset,
    presetNotes: presetValues.data?.notes ?? [],
    form,
    blocked,
    promptError: prompts.error,
    budgetError: budget.error,
    config,
    plan,
    loadError: datasets.error ?? catalogue.error ?? endpoints.error ?? presetValues.error,
  }
}

/** A chosen endpoint, or the only one that can train. */
function chosenEndpoint(endpoints: readonly Endpoint[] | undefined, id: string | null): Endpoint | undefined {
  const usable = endpoints?.filter((endpoint) => endpoint.canTrain) ?? []
  return usable.find((endpoint) => endpoint.id === id) ?? (id === null && usable.length === 1 ? usable[0] : undefined)
}

/** Why nothing that needs an NVIDIA GPU can be chosen; null where there is one. */
export function noGpuReason(endpoint: Pick<Endpoint, 'kind'> | undefined, local: LocalState | undefined): string | null {
  if (endpoint === undefined) return 'Needs an endpoint with an NVIDIA GPU.'
  if (endpoint.kind === 'runpod' || local?.device?.kind === 'cuda') return null
  if (local === undefined || local.device === null) return 'Needs an NVIDIA GPU. Whether this computer has one is known once it is set up.'
  return 'Needs an NVIDIA GPU; this computer has none that can be used.'
}

function usePlan(config: RunConfig | null): NewRunPlan {
  const settled = useSettled(config)
  const estimate = useEstimate(settled)
  const preflight = usePreflight(settled)
  if (config === null) return { estimate: null, preflight: null, isCurrent: true, error: null }
  const isSettled = JSON.stringify(settled) === JSON.stringify(config)
  const hasAnswers = estimate.isSuccess && preflight.isSuccess && !estimate.isPlaceholderData && !preflight.isPlaceholderData
  return {
    estimate: estimate.data ?? null,
    preflight: preflight.data ?? null,
    isCurrent: isSettled && hasAnswers,
    error: isSettled ? (estimate.error ?? preflight.error) : null,
  }
}

/** The configuration as it was after half a second without a change. */
function useSettled(config: RunConfig | null): RunConfig | null {
  const key = JSON.stringify(config)
  const [settledKey, setSettledKey] = useState(key)
  useEffect(() => {
    const timer = setTimeout(() => setSettledKey(key), settleMs)
    return () => clearTimeout(timer)
  }, [key])
  return useMemo(() => JSON.parse(settledKey) as RunConfig | null, [settledKey])
}

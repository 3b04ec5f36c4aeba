import { useEffect } from 'react'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { RouteInput } from '../../../preload/contract/contract.ts'
import type { Hyperparameters, Preset } from '../../../preload/contract/hyperparameters.ts'
import type { BaseModelRef } from '../../../preload/contract/models.ts'
import type { Run, RunAccepts, RunConfig, StopMode } from '../../../preload/contract/runs.ts'
import { bridge } from '../../lib/bridge.ts'

/** What the run list is narrowed to. */
export type RunFilter = Required<RouteInput<'runs.list'>>

/** All runs that match, kept on screen while the next answer is on its way. */
export function useRuns(filter: RunFilter) {
  return useQuery({
    queryKey: ['runs', 'list', filter],
    queryFn: () => bridge.invoke('runs.list', filter),
    placeholderData: keepPreviousData,
  })
}

/** One run. */
export function useRun(id: string) {
  return useQuery({ queryKey: ['runs', id], queryFn: () => bridge.invoke('runs.get', { id }) })
}

/** The history of a run. */
export function useRunEvents(id: string) {
  return useQuery({ queryKey: ['runs', id, 'events'], queryFn: () => bridge.invoke('runs.listEvents', { id }) })
}

/** Texts written before and during training. */
export function useRunSamples(id: string) {
  return useQuery({ queryKey: ['runs', id, 'samples'], queryFn: () => bridge.invoke('runs.listSamples', { id }) })
}

/** Rows as the model reads them, with what it learns of them. */
export function useRunMaskSamples(id: string) {
  return useQuery({ queryKey: ['runs', id, 'mask-samples'], queryFn: () => bridge.invoke('runs.listMaskSamples', { id }) })
}

/** Datasets to choose from. */
export function useDatasetChoices() {
  return useQuery({ queryKey: ['datasets', 'list', 'choices'], queryFn: () => bridge.invoke('datasets.list', {}) })
}

/** The catalogue of base models. */
export function useCatalogue() {
  return useQuery({ queryKey: ['models', 'list'], queryFn: () => bridge.invoke('models.list', {}) })
}

/** Endpoints to choose from. */
export function useEndpointChoices() {
  return useQuery({ queryKey: ['endpoints', 'list', 'choices'], queryFn: () => bridge.invoke('endpoints.list', {}) })
}

/** The values behind a preset for this model and dataset. */
export function usePreset(choice: {
  readonly preset: Exclude<Preset, 'custom'>
  readonly baseModel: BaseModelRef | null
  readonly datasetId: string | null
  readonly isIn4bit: boolean
}) {
  const { baseModel, ...rest } = choice
  return useQuery({
    queryKey: ['plan', 'preset', choice],
    queryFn: () => (baseModel === null ? null : bridge.invoke('runs.resolvePreset', { ...rest, baseModel })),
    enabled: baseModel !== null,
    // One changed setting must not take the form away while its values are on the way.
    placeholderData: keepPreviousData,
  })
}

/** What this computer can do; kept up to date by its own events. */
export function useLocalState() {
  return useQuery({ queryKey: ['endpoints', 'local'], queryFn: () => bridge.invoke('endpoints.localState', {}) })
}

/** What a run would do and cost; asked only for a complete configuration. */
export function useEstimate(config: RunConfig | null) {
  return useQuery({
    queryKey: ['plan', 'estimate', config],
    queryFn: () => (config === null ? null : bridge.invoke('runs.estimate', config)),
    enabled: config !== null,
    placeholderData: keepPreviousData,
  })
}

/** What stands in the way of a run. */
export function usePreflight(config: RunConfig | null) {
  return useQuery({
    queryKey: ['plan', 'preflight', config],
    queryFn: () => (config === null ? null : bridge.invoke('runs.preflight', config)),
    enabled: config !== null,
    placeholderData: keepPreviousData,
  })
}

/** Computes the plan again when something it rests on changes. */
export function useLivePlan(): void {
  const client = useQueryClient()
  useEffect(() => {
    const refresh = () => void client.invalidateQueries({ queryKey: ['plan'] })
    const stops = [
      bridge.on('datasets.changed', refresh),
      bridge.on('endpoints.changed', refresh),
      bridge.on('endpoints.localChanged', refresh),
      bridge.on('costs.changed', refresh),
      bridge.on('settings.changed', refresh),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }, [client])
}

/** Starts a run. */
export function useStartRun() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (input: { config: RunConfig; name: string; retryOf: string | null }) => bridge.invoke('runs.start', input),
    onSuccess: (run) => rememberRun(client, run),
  })
}

/** Stops a run, with or without its adapter. */
export function useStopRun(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (mode: StopMode) => bridge.invoke('runs.stop', { id, mode }),
    onSuccess: (run) => rememberRun(client, run),
  })
}

/** Ends all workers of a run's endpoint. */
export function useEndWorkers(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => bridge.invoke('runs.endWorkers', { id }),
    onSuccess: (run) => rememberRun(client, run),
  })
}

/** Has a worker package the checkpoint of an ended run. */
export function useRescueRun(id: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => bridge.invoke('runs.rescue', { id }),
    onSuccess: (run) => rememberRun(client, run),
  })
}

/** Removes an ended run and its history. */
export function useDeleteRun() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => bridge.invoke('runs.delete', { id }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['runs', 'list'] }),
  })
}

function rememberRun(client: ReturnType<typeof useQueryClient>, run: Run): Promise<void> {
  client.setQueryData(['runs', run.id], run)
  return client.invalidateQueries({ queryKey: ['runs', 'list'] })
}

/** A complete configuration, or null while a choice is missing or a value is invalid. */
export function composeConfig(choices: {
  datasetId: string | null
  baseModel: BaseModelRef | null
  endpointId: string | null
  preset: Preset
  hyperparameters: Hyperparameters | null
  accepts: RunAccepts
  /** Undefined while what is typed is no amount. */
  budgetMicroUsd: number | null | undefined
  samplePrompts: readonly string[] | null
}): RunConfig | null {
  const { datasetId, baseModel, endpointId, preset, hyperparameters, accepts, budgetMicroUsd, samplePrompts } = choices
  if (budgetMicroUsd === undefined) return null
  if (datasetId === null || baseModel === null || endpointId === null || hyperparameters === null || samplePrompts === null) return null
  return { datasetId, baseModel, endpointId, preset, hyperparameters, accepts, budgetMicroUsd, samplePrompts: [...samplePrompts] }
}

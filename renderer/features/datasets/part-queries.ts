import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useCallback } from 'react'
import type { Dataset, DuplicateKind } from '../../../preload/contract/datasets.ts'
import { bridge } from '../../lib/bridge.ts'

/**
 * The start of every key for a part of a dataset. The part is read again when an edit, a check or a finished task may
 * have changed it, and not with every step of progress.
 */
export function partKey(dataset: Dataset): readonly unknown[] {
  const { id, version, validatedAtMs, status, tokens, split, stats, tasks } = dataset
  const working = tasks.map(({ kind }) => kind)
  return ['dataset-parts', id, { version, validatedAtMs, status, tokens, split, rows: stats?.rows, dropped: stats?.droppedRows, working }]
}

/** Distributions, shares and what each consumer would do. */
export function useOverview(dataset: Dataset) {
  return useQuery({
    queryKey: [...partKey(dataset), 'overview'],
    queryFn: () => bridge.invoke('datasets.getOverview', { id: dataset.id }),
    placeholderData: keepPreviousData,
  })
}

/** Every kind of fault with its exact count. */
export function useIssueGroups(dataset: Dataset) {
  return useQuery({
    queryKey: [...partKey(dataset), 'issues'],
    queryFn: () => bridge.invoke('datasets.listIssues', { id: dataset.id }),
    placeholderData: keepPreviousData,
  })
}

/** A page of examples of one fault. */
export function useIssueExamples(dataset: Dataset, rule: string, offset: number, limit: number) {
  return useQuery({
    queryKey: [...partKey(dataset), 'examples', rule, offset, limit],
    queryFn: () => bridge.invoke('datasets.listIssueExamples', { id: dataset.id, rule, offset, limit }),
    placeholderData: keepPreviousData,
  })
}

/** What the bulk fix of a rule would change; null asks nothing. */
export function useFixPreview(dataset: Dataset, rule: string | null) {
  return useQuery({
    queryKey: [...partKey(dataset), 'fix', rule],
    queryFn: () => bridge.invoke('datasets.previewFix', { id: dataset.id, rule: rule ?? '' }),
    enabled: rule !== null,
  })
}

/** Base models whose tokens can be counted here. */
export function useTokenizers() {
  return useQuery({ queryKey: ['tokenizers'], queryFn: () => bridge.invoke('datasets.listTokenizers', {}) })
}

/** A page of groups of rows that belong together. */
export function useDuplicates(dataset: Dataset, kind: DuplicateKind, offset: number, limit: number) {
  return useQuery({
    queryKey: [...partKey(dataset), 'duplicates', kind, offset, limit],
    queryFn: () => bridge.invoke('datasets.listDuplicates', { id: dataset.id, of: kind, offset, limit }),
  })
}

/** Every state the dataset has been in. */
export function useVersions(dataset: Dataset) {
  return useQuery({
    queryKey: [...partKey(dataset), 'versions'],
    queryFn: () => bridge.invoke('datasets.listVersions', { id: dataset.id }),
    placeholderData: keepPreviousData,
  })
}

/** What differs between two states; null asks nothing. */
export function useVersionDiff(dataset: Dataset, from: number | null, to: number) {
  return useQuery({
    queryKey: [...partKey(dataset), 'diff', from, to],
    queryFn: () => bridge.invoke('datasets.diffVersions', { id: dataset.id, from: from ?? 0, to }),
    enabled: from !== null,
  })
}

/** How rules and flags are called, where their lists are known already. */
export function useMarkNames(dataset: Dataset): (name: string) => string {
  const groups = useIssueGroups(dataset).data
  const flags = useOverview(dataset).data?.flags
  return useCallback(
    (name) => groups?.find(({ rule }) => rule === name)?.title ?? flags?.find((flag) => flag.name === name)?.title ?? name,
    [groups, flags],
  )
}

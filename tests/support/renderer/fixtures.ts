import type { Dataset, DatasetStats, FilePreview } from '../../../preload/contract/datasets.ts'
import type { Endpoint, LocalState } from '../../../preload/contract/endpoints.ts'

/** The nth identifier; any UUID will do. */
export function idOf(n: number): string {
  return `0198a000-0000-7000-8000-${String(n).padStart(12, '0')}`
}

export const stats: DatasetStats = {
  rows: 300,
  validRows: 300,
  errorRows: 0,
  errors: 0,
  blankLines: 0,
  turns: 1200,
  assistantTurns: 600,
  characters: 40_000,
  assistantCharacters: 25_000,
  tokensEstimate: 10_000,
  turnsPerRowMean: 4,
  longestRowCharacters: 900,
  duplicateRows: 2,
}

/** A ready dataset, changed as a test needs it. */
export function aDataset(change: Partial<Dataset> = {}): Dataset {
  return {
    id: idOf(1),
    name: 'Bicycle repair desk',
    description: '',
    fileName: 'bicycle.jsonl',
    sizeBytes: 450_000,
    sha256: 'a'.repeat(64),
    shape: 'messages',
    status: 'ready',
    progress: 1,
    stats,
    acceptsValidRowsOnly: false,
    isTrainable: true,
    errorMessage: null,
    createdAtMs: 1_790_000_000_000,
    updatedAtMs: 1_790_000_000_000,
    validatedAtMs: 1_790_000_000_000,
    ...change,
  }
}

/** What a dropped file was found to be. */
export function aPreview(change: Partial<FilePreview> = {}): FilePreview {
  return {
    token: idOf(90),
    fileName: 'support chats.jsonl',
    sizeBytes: 18_400,
    shape: 'messages',
    evidence: 'The first 50 lines hold a list of messages.',
    firstConversation: [
      { role: 'user', content: 'My brake squeals.' },
      { role: 'assistant', content: 'Clean the rim first.' },
    ],
    problem: null,
    existingDatasetId: null,
    ...change,
  }
}

/** This computer or a RunPod endpoint. */
export function anEndpoint(change: Partial<Endpoint> = {}): Endpoint {
  return {
    id: idOf(20),
    kind: 'local',
    name: 'This computer',
    runpodEndpointId: null,
    key: null,
    canTrain: true,
    cannotTrainReason: null,
    lastReport: null,
    createdAtMs: 1_790_000_000_000,
    ...change,
  }
}

/** What is known about this computer, with Python in a given state. */
export function aLocalState(python: LocalState['python']): LocalState {
  return { python, device: null, worker: 'stopped', diskFreeBytes: 81_000_000_000 }
}

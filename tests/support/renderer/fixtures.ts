import type {
  Dataset,
  DatasetOverview,
  DatasetStats,
  FilePreview,
  Histogram,
  IssueGroup,
  RowDetail,
  RowIssue,
  RowSummary,
} from '../../../preload/contract/datasets.ts'
import type { CostEntry, CostOverview } from '../../../preload/contract/costs.ts'
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
  warnings: 0,
  infos: 0,
  droppedRows: 0,
  editedRows: 0,
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
    fileNames: ['bicycle.jsonl'],
    sizeBytes: 450_000,
    sha256: 'a'.repeat(64),
    format: { format: 'jsonl', compression: null, encoding: 'utf-8', evidence: ['Every line starts with {.'] },
    shape: 'messages',
    mapping: null,
    status: 'ready',
    progress: 1,
    tasks: [],
    stats,
    tokens: null,
    split: null,
    version: 0,
    canUndo: false,
    canRedo: false,
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
    format: { format: 'jsonl', compression: null, encoding: 'utf-8', evidence: ['Every line starts with {.'] },
    shape: 'messages',
    evidence: 'The first 50 lines hold a list of messages.',
    rows: [
      { line: 1, text: '{"messages":[{"role":"user","content":"My brake squeals."}]}', messages: null, problem: null },
      { line: 2, text: '{"messages":[{"role":"user","content":"The chain jumps."}]}', messages: null, problem: null },
    ],
    firstConversation: [
      { role: 'user', content: 'My brake squeals.' },
      { role: 'assistant', content: 'Clean the rim first.' },
    ],
    columns: null,
    suggestedMapping: null,
    problem: null,
    existingDatasetId: null,
    ...change,
  }
}

/** One line of the row browser; the row is one less than the line. */
export function aRow(line: number, change: Partial<RowSummary> = {}): RowSummary {
  return {
    row: line - 1,
    line,
    shape: 'messages',
    turns: 4,
    characters: 640,
    tokens: 160,
    trained: 90,
    severity: null,
    rules: [],
    flags: [],
    state: 'source',
    split: null,
    first: `question ${line}`,
    ...change,
  }
}

/** A row in full. */
export function aRowDetail(line: number, change: Partial<RowDetail> = {}): RowDetail {
  return {
    row: line - 1,
    line,
    fileName: 'bicycle.jsonl',
    raw: `{"messages":[{"role":"user","content":"question ${line}"},{"role":"assistant","content":"answer ${line}"}]}`,
    isRawCut: false,
    shape: 'messages',
    state: 'source',
    split: null,
    messages: [
      { role: 'user', content: `question ${line}` },
      { role: 'assistant', content: `answer ${line}` },
    ],
    rejected: null,
    text: null,
    toolsJson: null,
    issues: [],
    findings: [],
    verdicts: [],
    ...change,
  }
}

/** Counts over four bins. */
export const histogram: Histogram = {
  edges: [1, 100, 200, 400, 800],
  counts: [120, 100, 60, 20],
  min: 8,
  p50: 130,
  p90: 390,
  p99: 760,
  max: 799,
}

/** Shares and distributions of a dataset, changed as a test needs them. */
export function anOverview(change: Partial<DatasetOverview> = {}): DatasetOverview {
  return {
    shapes: [{ name: 'messages', title: 'OpenAI messages', rows: 300 }],
    turns: { edges: [1, 2, 3, 4, 5], counts: [0, 200, 0, 100], min: 2, p50: 2, p90: 4, p99: 4, max: 4 },
    characters: histogram,
    tokens: null,
    trainedTokens: null,
    scripts: [{ name: 'latin', title: 'Latin', rows: 300 }],
    languages: [{ name: 'en', title: 'English', rows: 190 }],
    languageSampleRows: 200,
    flags: [
      { name: 'email', title: 'E-mail addresses', rows: 12, group: 'privacy' },
      { name: 'api_key', title: 'Access keys', rows: 1, group: 'secret' },
      { name: 'refusal', title: 'Refusals', rows: 3, group: 'quality' },
    ],
    observations: [],
    consumers: [{ name: 'openai', title: 'OpenAI', kept: 280, truncated: 0, dropped: 0, rejected: 20 }],
    ...change,
  }
}

/** A kind of fault. */
export function anIssueGroup(change: Partial<IssueGroup> = {}): IssueGroup {
  return {
    rule: 'role.unknown',
    level: 'schema',
    severity: 'error',
    title: 'Unknown role',
    advice: 'Rename the role to one that trainers know.',
    count: 30,
    rows: 24,
    firstLine: 311,
    fixLabel: 'Rename to assistant',
    ...change,
  }
}

/** One fault in one row. */
export function anIssue(line: number, change: Partial<RowIssue> = {}): RowIssue {
  return {
    row: line - 1,
    line,
    pointer: '/messages/0/role',
    rule: 'role.unknown',
    severity: 'error',
    message: 'The role “bot” is not known.',
    got: 'bot',
    expected: 'system, user, assistant or tool',
    suggestion: 'Rename it to assistant.',
    fixLabel: 'Rename to assistant',
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
    remote: null,
    storage: null,
    worker: null,
    createdAtMs: 1_790_000_000_000,
    ...change,
  }
}

/** What is known about this computer, with Python in a given state. */
export function aLocalState(python: LocalState['python']): LocalState {
  return { python, device: null, worker: 'stopped', diskFreeBytes: 81_000_000_000 }
}

/** The costs of a month in which nothing happened, changed as a test needs it. */
export function aCostOverview(change: Partial<CostOverview> = {}): CostOverview {
  const fromMs = 1_788_220_800_000
  const toMs = fromMs + 30 * 86_400_000
  const entries = change.entries ?? []
  const sum = (isOf: (entry: CostEntry) => boolean) =>
    entries.filter(isOf).reduce((total, { amountMicroUsd }) => total + (amountMicroUsd ?? 0), 0)
  return {
    fromMs,
    toMs,
    asOfMs: fromMs + 12 * 86_400_000,
    totalMicroUsd: sum(() => true),
    runsMicroUsd: sum(({ type }) => type === 'training_compute'),
    storageMicroUsd: sum(({ type }) => type === 'storage'),
    otherMicroUsd: sum(({ type }) => type !== 'training_compute' && type !== 'storage'),
    runs: entries.filter(({ type }) => type === 'training_compute').length,
    unknown: entries.filter(({ amountMicroUsd }) => amountMicroUsd === null).length,
    entries,
    comparisons: [],
    checks: [],
    month: { fromMs, toMs, budgetMicroUsd: null, spentMicroUsd: 0, committedMicroUsd: 0, leftMicroUsd: null },
    ...change,
  }
}

/** One cost of a run, changed as a test needs it. */
export function aCostEntry(n: number, change: Partial<CostEntry> = {}): CostEntry {
  return {
    key: `run:${idOf(n)}/1`,
    dayMs: 1_788_220_800_000,
    type: 'training_compute',
    runId: idOf(n),
    name: `Run ${n}`,
    endpointName: 'Studio',
    amountMicroUsd: 0,
    parts: null,
    durationMs: 714_000,
    basis: 'computed',
    detail: '',
    ...change,
  }
}

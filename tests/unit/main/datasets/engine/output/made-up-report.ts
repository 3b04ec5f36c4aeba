import type { DatasetReport, ReportExample } from '../../../../../../main/features/datasets/engine/output/reports/dataset-report.ts'

/** One place in a file. */
export function example(changes: Partial<ReportExample>): ReportExample {
  return { row: 0, line: 1, fileName: 'a b#ü.jsonl', pointer: '/messages/0/role', message: 'm', got: 'g', expected: 'e', ...changes }
}

/** A report with two rules, one of them without a listed place. */
export function madeUpReport(examples: readonly ReportExample[], name = 'My set'): DatasetReport {
  return {
    format: 'tunesmith-dataset-report',
    formatVersion: 1,
    appVersion: '1.2.3',
    createdAtMs: 1_700_000_000_000,
    dataset: {
      name,
      fileNames: ['a b#ü.jsonl'],
      sizeBytes: 1234,
      sha256: 'ab'.repeat(32),
      shape: 'messages',
      mapping: null,
      version: 2,
      stats: {
        rows: 10,
        validRows: 8,
        errorRows: 2,
        errors: 2,
        warnings: 1,
        infos: 0,
        droppedRows: 0,
        editedRows: 1,
        blankLines: 0,
        turns: 20,
        assistantTurns: 10,
        characters: 123_456,
        assistantCharacters: 60_000,
        tokensEstimate: 30_864,
        turnsPerRowMean: 2,
        longestRowCharacters: 40_000,
        duplicateRows: 0,
      },
      tokens: null,
    },
    rules: [
      {
        rule: 'role.unknown',
        level: 'schema',
        severity: 'error',
        title: 'Unknown role',
        advice: 'Rename it.',
        count: 24,
        rows: 20,
        examples: [...examples],
      },
      { rule: 'set.duplicates', level: 'set', severity: 'info', title: 'Same rows', advice: 'Drop them.', count: 3, rows: 3, examples: [] },
    ],
    consumers: [{ name: 'openai', title: 'OpenAI', kept: 8, truncated: 0, dropped: 0, rejected: 2 }],
  }
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { CorpusTruth } from '../../bench/corpus/write-corpus.ts'
import type { ContenderName } from '../../bench/datasets/contenders.ts'
import { findDifferences, type RoundRuns } from '../../bench/datasets/findings.ts'

const folder = mkdtempSync(join(tmpdir(), 'tunesmith-findings-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const truth: CorpusTruth = {
  bytes: 1,
  rows: 100,
  seed: 1,
  recipe: 'small',
  sha256: '',
  defects: [
    { line: 7, kind: 'role-bot', rule: 'role.unknown', pointer: '/messages/1/role' },
    { line: 20, kind: 'json-cut', rule: 'json.truncated', pointer: '' },
  ],
  repeats: [{ line: 9, of: 3, kind: 'exact' }],
}

function runsOf(outputs: Partial<Record<ContenderName, object>>): RoundRuns {
  return new Map(
    Object.entries(outputs).map(([name, output]) => {
      const outputPath = join(folder, name)
      writeFileSync(outputPath, JSON.stringify(output))
      return [name as ContenderName, { wallMs: 1, cpuMs: 1, peakBytes: 1, outputPath }]
    }),
  )
}

function validation(issues: readonly (readonly [rule: string, line: number, pointer: string])[], severity = 'error'): object {
  const listed = issues.map(([rule, line, pointer]) => ({ rule, severity, count: 1, examples: [{ line, pointer }] }))
  return { stats: { rows: 100, errorRows: issues.length }, issues: listed }
}

describe('findings of the engine', () => {
  const unknownRole = ['role.unknown', 7, '/messages/1/role'] as const
  const truncated = ['json.truncated', 20, ''] as const

  it('are refused although they are right', async () => {
    expect(await findDifferences(runsOf({ validate: validation([unknownRole, truncated]) }), truth)).toEqual([])
  })

  it('pass with a seeded defect missing', async () => {
    const differences = await findDifferences(runsOf({ validate: validation([unknownRole]) }), truth)
    expect(differences).toEqual(['Seeded and not found, 1: line 20 json.truncated'])
  })

  it('pass with the right line and the wrong place in the row', async () => {
    const differences = await findDifferences(runsOf({ validate: validation([['role.unknown', 7, '/messages/0/role'], truncated]) }), truth)
    expect(differences.join()).toContain('Found and not seeded, 1: line 7 role.unknown /messages/0/role')
  })

  it('pass with an error that nobody put in', async () => {
    const differences = await findDifferences(
      runsOf({ validate: validation([unknownRole, truncated, ['content.empty', 8, '/messages/1/content']]) }),
      truth,
    )
    expect(differences).toEqual(['Found and not seeded, 1: line 8 content.empty /messages/1/content'])
  })

  it('pass with a search, an export or a token count that is off', async () => {
    const runs = runsOf({
      search: { total: 4 },
      'python-search': { total: 5 },
      export: { files: [{ rows: 90 }] },
      'own-tokenizer': { ms: 1, tokens: 9, texts: 2 },
      'reference-tokenizer': { ms: 1, tokens: 10, texts: 2 },
    })
    expect(await findDifferences(runs, truth)).toHaveLength(3)
  })

  it('refuse an export without the rows that are broken or left out', async () => {
    expect(await findDifferences(runsOf({ export: { files: [{ rows: 89 }] } }), truth)).toEqual([])
  })
})

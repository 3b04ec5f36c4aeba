// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { beforeEach, expect, test, vi } from 'vitest'
import type { Dataset } from '../../../../preload/contract/datasets.ts'
import { emptyFilter, rowViewStore } from '../../../../renderer/features/datasets/row-view-store.ts'
import { aDataset, anIssue, anIssueGroup, anOverview, aRow, aRowDetail, histogram, stats } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'

const dataset = aDataset({ stats: { ...stats, errorRows: 24, errors: 30 } })
const tokens = { modelId: 'qwen3', modelName: 'Qwen3 8B', total: 48_000, trained: 24_000, rows: 300, longestRow: 799 }

function open(tab: string, change: Parameters<typeof renderWindow>[1] = {}, shown: Dataset = dataset) {
  return renderWindow(`/datasets/${shown.id}?tab=${tab}`, {
    'datasets.get': () => shown,
    'datasets.getOverview': () => anOverview(),
    'datasets.listIssues': () => [
      anIssueGroup(),
      anIssueGroup({ rows: 5, count: 5, rule: 'empty', severity: 'warning', title: 'Empty text', fixLabel: null }),
    ],
    'datasets.listRows': () => ({ total: 1, searched: 1, rows: [aRow(1)] }),
    'datasets.getRow': ({ row }) => aRowDetail(row + 1),
    'datasets.listTokenizers': () => [
      { modelId: 'qwen3', modelName: 'Qwen3 8B', family: 'Qwen', licence: 'Apache-2.0' },
      { modelId: 'gemma', modelName: 'Gemma 3 4B', family: 'Gemma', licence: 'Gemma terms' },
    ],
    ...change,
  })
}

beforeEach(() => {
  rowViewStore.setState({ views: {} })
  vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(348)
})

test('"Keep fixing" leads to the issues, each example with its true line, its place, what is there and what should be', async () => {
  const main = await open('overview', { 'datasets.listIssueExamples': () => ({ total: 1, examples: [anIssue(3311)] }) })
  fireEvent.click(await screen.findByRole('button', { name: 'Keep fixing' }))
  const title = await screen.findByRole('button', { name: /Unknown role/, expanded: false })
  expect(screen.getByText(/24 rows, 30 times/).textContent).toContain('first at line 311')
  fireEvent.click(title)
  const table = await screen.findByRole('table')
  const cells = within(table)
    .getAllByRole('cell')
    .map(({ textContent }) => textContent)
  expect(cells).toEqual([
    '3,311',
    '/messages/0/role',
    'The role “bot” is not known.Rename it to assistant.',
    'bot',
    'system, user, assistant or tool',
    'Open',
  ])
  expect(main.inputsOf('datasets.listIssueExamples')[0]).toEqual({ id: dataset.id, rule: 'role.unknown', offset: 0, limit: 10 })
})

test('an example opens its row in the browser', async () => {
  await open('issues', {
    'datasets.listIssueExamples': () => ({ total: 1, examples: [anIssue(3)] }),
    'datasets.listRows': () => ({ total: 3, searched: 1, rows: [aRow(1), aRow(2), aRow(3)] }),
  })
  fireEvent.click(await screen.findByRole('button', { name: /Unknown role/, expanded: false }))
  fireEvent.click(await screen.findByRole('button', { name: 'Open line 3' }))
  expect(await screen.findByRole('region', { name: 'Line 3' })).toBeTruthy()
})

test('a fix is shown before and after, and applied only on the button', async () => {
  const change = { row: 310, line: 311, before: '{"role":"bot"}', after: '{"role":"assistant"}' }
  const main = await open('issues', {
    'datasets.previewFix': () => ({ rows: 24, label: 'Rename to assistant', examples: [change] }),
    'datasets.applyEdit': () => ({ ...dataset, version: 1, canUndo: true }),
    'datasets.undoEdit': () => dataset,
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Preview fix: Unknown role' }))
  const dialog = await screen.findByRole('dialog', { name: 'Rename to assistant' })
  expect([...dialog.querySelectorAll('mark')].map(({ textContent }) => textContent)).toEqual(['bot', 'assistant'])
  expect(main.inputsOf('datasets.applyEdit')).toEqual([])
  fireEvent.click(within(dialog).getByRole('button', { name: 'Apply to 24 rows' }))
  await waitFor(() => expect(screen.queryByRole('dialog', { name: 'Rename to assistant' })).toBeNull())
  expect(main.inputsOf('datasets.applyEdit')).toEqual([{ id: dataset.id, edit: { kind: 'fix', rule: 'role.unknown' } }])
})

test('rows of an issue are shown or dropped by the rule alone', async () => {
  const main = await open('issues', { 'datasets.applyEdit': () => dataset })
  fireEvent.click(await screen.findByRole('button', { name: 'Drop rows: Unknown role, 24 rows' }))
  const filter = { ...emptyFilter, rules: ['role.unknown'] }
  await waitFor(() =>
    expect(main.inputsOf('datasets.applyEdit')).toEqual([{ id: dataset.id, edit: { kind: 'drop', choice: { kind: 'filter', filter } } }]),
  )
  fireEvent.click(screen.getByRole('button', { name: 'Show rows: Unknown role' }))
  await waitFor(() => expect(main.inputsOf('datasets.listRows')[0]).toMatchObject({ filter }))
  expect(await screen.findByRole('button', { name: 'Remove condition: Unknown role' })).toBeTruthy()
})

test('a kind of fault without a safe fix offers none, and severities can be looked at one by one', async () => {
  await open('issues')
  fireEvent.click(await screen.findByRole('radio', { name: 'Warnings 1' }))
  expect(screen.queryByText('Unknown role')).toBeNull()
  expect(screen.getByText('Empty text')).toBeTruthy()
  expect(screen.queryByRole('button', { name: /^Preview fix/ })).toBeNull()
})

test('a flag of the overview leads to its rows', async () => {
  const main = await open('overview')
  fireEvent.click(await screen.findByRole('button', { name: 'E-mail addresses' }))
  await waitFor(() => expect(main.inputsOf('datasets.listRows')[0]).toMatchObject({ filter: { ...emptyFilter, flags: ['email'] } }))
})

test('tokens that were not counted are dashes, and counting is started with the chosen model', async () => {
  const main = await open('tokens', { 'datasets.countTokens': () => dataset })
  const facts = await screen.findByRole('region', { name: 'Tokens' })
  expect([...facts.querySelectorAll('dd:not(.fact-note)')].map(({ textContent }) => textContent)).toEqual(['–', '–', '–', '–', '–'])
  expect(screen.getByRole('region', { name: 'Long rows' }).textContent).toContain('–')
  await screen.findByRole('option', { name: 'Gemma 3 4B' })
  fireEvent.change(screen.getByLabelText('Base model to count with'), { target: { value: 'gemma' } })
  fireEvent.click(screen.getByRole('button', { name: 'Count tokens' }))
  await waitFor(() => expect(main.inputsOf('datasets.countTokens')).toEqual([{ id: dataset.id, modelId: 'gemma' }]))
  expect(main.inputsOf('datasets.listRows')).toEqual([])
})

test('rows over a length are counted by main and can be shown', async () => {
  const main = await open(
    'tokens',
    {
      'datasets.getOverview': () => anOverview({ tokens: histogram }),
      'datasets.listRows': () => ({ total: 17, searched: 1, rows: [aRow(1)] }),
    },
    { ...dataset, tokens },
  )
  const part = within(await screen.findByRole('region', { name: 'Long rows' }))
  expect(await part.findByText('17 rows')).toBeTruthy()
  fireEvent.change(part.getByLabelText('Rows over'), { target: { value: '512' } })
  const show = part.getByRole<HTMLButtonElement>('button', { name: 'Show rows' })
  await waitFor(() => expect(show.disabled).toBe(false))
  fireEvent.click(show)
  await waitFor(() =>
    expect(main.inputsOf('datasets.listRows').at(-1)).toMatchObject({ filter: { ...emptyFilter, tokensFrom: 513 }, limit: 100 }),
  )
})

test('repeated rows are dropped only after their number was shown', async () => {
  const main = await open('duplicates', {
    'datasets.listDuplicates': () => ({
      isKnown: true,
      total: 2,
      rows: 7,
      groups: [
        {
          total: 5,
          rows: [
            { ...aRow(4), similarity: 1 },
            { ...aRow(9), similarity: 1 },
          ],
        },
      ],
    }),
    'datasets.applyEdit': () => dataset,
  })
  expect(await screen.findByText('2 groups, 7 rows.')).toBeTruthy()
  expect(screen.getByText('and 3 rows more')).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Drop all but the first of each: 5 rows' }))
  await waitFor(() =>
    expect(main.inputsOf('datasets.applyEdit')).toEqual([{ id: dataset.id, edit: { kind: 'drop_duplicates', of: 'exact' } }]),
  )
})

test('near duplicates that were not searched say so, and the search takes the chosen likeness', async () => {
  const main = await open('duplicates', {
    'datasets.listDuplicates': ({ of }) => ({ isKnown: of !== 'near', total: 0, rows: 0, groups: [] }),
    'datasets.findNearDuplicates': () => dataset,
  })
  fireEvent.click(await screen.findByRole('radio', { name: 'Near' }))
  expect(await screen.findByText(/Not searched yet/)).toBeTruthy()
  fireEvent.change(screen.getByRole('slider'), { target: { value: '0.9' } })
  fireEvent.click(screen.getByRole('button', { name: 'Find among 300 rows' }))
  await waitFor(() => expect(main.inputsOf('datasets.findNearDuplicates')).toEqual([{ id: dataset.id, threshold: 0.9 }]))
})

test('leakage without a division leads to the division', async () => {
  await open('duplicates', { 'datasets.listDuplicates': () => ({ isKnown: true, total: 0, rows: 0, groups: [] }) })
  fireEvent.click(await screen.findByRole('radio', { name: 'Leakage' }))
  fireEvent.click(await screen.findByRole('button', { name: 'Divide the rows' }))
  expect(await screen.findByRole('form', { name: 'Division' })).toBeTruthy()
})

test('a division is sent as shares, shown with its counts, and can be removed', async () => {
  const settings = { seed: 7, validationShare: 0.1, testShare: 0.05, stratifyBy: 'length' as const }
  const divided = { ...dataset, split: { settings, rows: { train: 255, validation: 30, test: 15 }, groups: 290 } }
  const main = await open('splits', { 'datasets.setSplit': ({ settings: next }) => (next === null ? dataset : divided) })
  const form = within(await screen.findByRole('form', { name: 'Division' }))
  fireEvent.change(form.getByLabelText('Validation (%)'), { target: { value: '60' } })
  expect(screen.getByRole('alert').textContent).toBe('A share is a number from 0 to 50.')
  expect(form.getByRole<HTMLButtonElement>('button', { name: 'Divide' }).disabled).toBe(true)
  fireEvent.change(form.getByLabelText('Validation (%)'), { target: { value: '10' } })
  fireEvent.change(form.getByLabelText('Test (%)'), { target: { value: '5' } })
  fireEvent.change(form.getByLabelText('Seed'), { target: { value: '7' } })
  fireEvent.change(form.getByLabelText('Spread evenly by'), { target: { value: 'length' } })
  fireEvent.click(form.getByRole('button', { name: 'Divide' }))
  const parts = within(screen.getByRole('region', { name: 'Parts' }))
  expect(await parts.findByText('255 rows')).toBeTruthy()
  expect(parts.getByText('290 groups kept together · seed 7')).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Remove division' }))
  await waitFor(() => expect(parts.queryByText('255 rows')).toBeNull())
  expect(main.inputsOf('datasets.setSplit')).toEqual([
    { id: dataset.id, settings },
    { id: dataset.id, settings: null },
  ])
})

test('any version can be compared with the current one and gone back to', async () => {
  const versions = [
    { version: 0, title: 'As imported', rowsChanged: 0, atMs: 1_790_000_000_000, isCurrent: false },
    { version: 1, title: 'Dropped 3 rows', rowsChanged: 3, atMs: 1_790_000_000_000, isCurrent: true },
  ]
  const main = await open(
    'versions',
    {
      'datasets.listVersions': () => versions,
      'datasets.diffVersions': () => ({
        dropped: 3,
        restored: 0,
        edited: 1,
        examples: [{ row: 4, line: 5, before: '{"a":1}', after: null }],
      }),
      'datasets.goToVersion': () => dataset,
    },
    { ...dataset, version: 1 },
  )
  fireEvent.click(await screen.findByRole('button', { name: 'Compare version 0 with the current one' }))
  expect(await screen.findByText('3 rows dropped, 0 rows restored, 1 row edited.')).toBeTruthy()
  expect(screen.getByText('The row is dropped.')).toBeTruthy()
  expect(main.inputsOf('datasets.diffVersions')).toEqual([{ id: dataset.id, from: 0, to: 1 }])
  await act(async () => fireEvent.click(screen.getByRole('button', { name: 'Go to version 0' })))
  expect(main.inputsOf('datasets.goToVersion')).toEqual([{ id: dataset.id, version: 0 }])
})

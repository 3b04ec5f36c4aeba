// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import { readBudget } from '../../../../renderer/lib/budget.ts'
import { compareText } from '../../../../renderer/features/costs/BillCard.tsx'
import { groupCosts } from '../../../../renderer/features/costs/group-costs.ts'
import { aCostEntry, aCostOverview, idOf } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'

const rest = aCostEntry(9, {
  key: 'rest',
  type: 'rest',
  runId: null,
  name: 'Not in a run',
  amountMicroUsd: 50_000,
  durationMs: null,
  basis: 'billed',
})
const storage = aCostEntry(8, {
  key: 'vol',
  type: 'storage',
  runId: null,
  name: 'Network volume v',
  amountMicroUsd: 230_000,
  basis: 'billed',
})

async function rows() {
  const table = within(await screen.findByRole('table'))
  return table
    .getAllByRole('row')
    .slice(1)
    .map((row) => [within(row).getByRole('rowheader').textContent, within(row).getAllByRole('cell').at(-1)?.textContent])
}

test('a free run says "No charge", which $0.00 would not; an unknown cost says that, which nothing would not', async () => {
  const entries = [
    aCostEntry(1, { basis: 'free', endpointName: 'This computer' }),
    aCostEntry(2, { amountMicroUsd: 1_840_000 }),
    aCostEntry(3, { amountMicroUsd: null }),
  ]
  await renderWindow('/costs', { 'costs.overview': () => aCostOverview({ entries }) })
  expect((await rows()).map(([, cost]) => cost)).toEqual(['No charge', '$1.84', '–'])
  expect(screen.getByText('for 3 runs', { exact: false }).textContent).toBe('$1.84 for 3 runs')
  expect(screen.getByText(/The cost of 1 more is not known here/)).toBeTruthy()
})

test('what RunPod billed beyond the runs has a row of its own by run, by day and by type', async () => {
  const entries = [aCostEntry(2, { amountMicroUsd: 410_000 }), rest, storage]
  await renderWindow('/costs', { 'costs.overview': () => aCostOverview({ entries }) })
  expect(await rows()).toEqual([
    ['Run 2Studio', '$0.41'],
    ['Not in a runStart-up, idle and other · Studio', '$0.05'],
    ['Network volume vStorage · Studio', '$0.23'],
  ])
  fireEvent.click(screen.getByRole('radio', { name: 'By day' }))
  expect((await rows()).map(([, cost]) => cost)).toEqual(['$0.69'])
  fireEvent.click(screen.getByRole('radio', { name: 'By type' }))
  expect((await rows()).map(([, cost]) => cost)).toEqual(['$0.41', '$0.23', '$0.05'])
})

test('a period narrows the question to main, and an empty period does not look like an empty app', async () => {
  const main = await renderWindow('/costs', {
    'costs.overview': ({ period }) => aCostOverview(period === 'all' ? { entries: [aCostEntry(1)], fromMs: null, toMs: null } : {}),
  })
  expect(await screen.findByText('Nothing was charged and no run ended in this period.')).toBeTruthy()
  fireEvent.click(screen.getByRole('radio', { name: 'All time' }))
  await waitFor(() => expect(screen.getByRole('link', { name: 'Run 1' })).toBeTruthy())
  expect(main.inputsOf('costs.overview')).toEqual([{ period: 'this_month' }, { period: 'all' }])
})

test('a half-typed month budget would count, and taking it out would be zero instead of no limit', async () => {
  const month = { ...aCostOverview().month, budgetMicroUsd: 20_000_000, spentMicroUsd: 5_000_000, leftMicroUsd: 12_000_000 }
  const main = await renderWindow('/costs', {
    'costs.overview': () => aCostOverview({ month: { ...month, committedMicroUsd: 3_000_000 } }),
    'settings.update': () => {
      throw Object.assign(new Error('x'), { code: 'INTERNAL', message: 'Not kept.', retryable: false })
    },
  })
  expect((await screen.findByTestId('month-left')).textContent).toBe('$12.00')
  const field = screen.getByLabelText('Month budget in dollars')
  fireEvent.change(field, { target: { value: '1x' } })
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  expect(main.inputsOf('settings.update')).toEqual([])
  fireEvent.change(field, { target: { value: '' } })
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(main.inputsOf('settings.update')).toEqual([{ monthBudgetMicroUsd: null }]))
  expect(readBudget('0')).toMatchObject({ value: undefined })
})

test('a key that may not read the bill is told once for what it keeps from being read', async () => {
  const problem = { code: 'ENDPOINT_REFUSED', message: 'The API key has no permission for this (billing record).' }
  const checks = [{ subject: 'endpoint' as const, remoteId: 'ep1', name: 'Studio', readAtMs: null, problem }]
  const main = await renderWindow('/costs', {
    'costs.overview': () => aCostOverview({ checks }),
    'costs.check': () => ({ done: true as const }),
  })
  expect(await screen.findAllByText(/has no permission/)).toHaveLength(1)
  fireEvent.click(screen.getByRole('button', { name: 'Check against RunPod' }))
  await waitFor(() => expect(main.inputsOf('costs.check')).toHaveLength(1))
})

describe('words and sums', () => {
  const comparison = { key: 'k', dayMs: 1_788_220_800_000, endpointName: 'Studio', billedMicroUsd: 460_000, recordedMicroUsd: 410_000 }

  test('a difference would be told as if the runs had cost it', () => {
    expect(compareText({ ...comparison, state: 'more' })).toMatch(
      /billed \$0\.46 for Studio; runs and jobs account for \$0\.41\. The rest is/,
    )
    expect(compareText({ ...comparison, billedMicroUsd: 0, state: 'missing' })).toMatch(/shows nothing; \$0\.41 was computed and counts/)
  })

  test('a run over midnight would be two rows, or lose a part of its cost', () => {
    const one = aCostEntry(1, { amountMicroUsd: 100_000, durationMs: 1_000 })
    const two = { ...one, key: 'later', dayMs: one.dayMs + 86_400_000, amountMicroUsd: 50_000 }
    expect(groupCosts([two, one], 'run')).toMatchObject([{ runId: idOf(1), amountMicroUsd: 150_000, durationMs: 2_000 }])
    expect(groupCosts([two, one], 'day')).toHaveLength(2)
  })

  test('a correction below zero would read as a cost', () => {
    expect(groupCosts([{ ...rest, amountMicroUsd: -120_000 }], 'day')[0]?.note).toBe('other −$0.12')
  })
})

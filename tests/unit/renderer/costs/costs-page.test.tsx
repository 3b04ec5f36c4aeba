// @vitest-environment jsdom
import { fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import type { CostRecord } from '../../../../preload/contract/costs.ts'
import { idOf } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'

const record = (n: number, change: Partial<CostRecord>): CostRecord => ({
  id: idOf(n),
  runId: idOf(n + 50),
  runName: `Run ${n}`,
  type: 'training_compute',
  endpointKind: 'local',
  amountMicroUsd: 0,
  durationMs: 714_000,
  detail: 'This computer charges nothing.',
  recordedAtMs: 1_790_000_000_000,
  ...change,
})

test('a free run says "No charge", which $0.00 would not; a paid one says what it cost', async () => {
  const records = [record(1, {}), record(2, { endpointKind: 'runpod', amountMicroUsd: 1_840_000 })]
  await renderWindow('/costs', { 'costs.list': () => ({ totalMicroUsd: 1_840_000, runs: 2, records }) })
  const rows = within(await screen.findByRole('table'))
    .getAllByRole('row')
    .slice(1)
  expect(rows.map((row) => within(row).getAllByRole('cell').at(-1)?.textContent)).toEqual(['No charge', '$1.84'])
  expect(screen.getByText('for 2 runs', { exact: false }).textContent).toBe('$1.84 for 2 runs')
})

test('a period narrows the question to main, and an empty period does not look like an empty app', async () => {
  const main = await renderWindow('/costs', {
    'costs.list': ({ fromMs }) =>
      fromMs === null ? { totalMicroUsd: 0, runs: 1, records: [record(1, {})] } : { totalMicroUsd: 0, runs: 0, records: [] },
  })
  fireEvent.click(await screen.findByRole('radio', { name: '7 days' }))
  expect(await screen.findByText('No run ended in this period.')).toBeTruthy()
  const [first, second] = main.inputsOf('costs.list') as { fromMs: number | null }[]
  expect(first?.fromMs).toBeNull()
  expect(Math.round((Date.now() - (second?.fromMs ?? 0)) / 86_400_000)).toBe(7)
  fireEvent.click(screen.getByRole('radio', { name: 'All time' }))
  await waitFor(() => expect(screen.getByRole('link', { name: 'Run 1' })).toBeTruthy())
})

// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { afterEach, describe, expect, test } from 'vitest'
import type { RouteInput } from '../../../../preload/contract/contract.ts'
import type { PreflightItem } from '../../../../preload/contract/runs.ts'
import { runDraftStore } from '../../../../renderer/features/runs/draft-store.ts'
import { PreflightList } from '../../../../renderer/features/runs/PreflightList.tsx'
import { installFakeBridge } from '../../../support/renderer/fake-bridge.ts'

const datasetId = '0198a000-0000-7000-8000-000000000001'
const line = (id: PreflightItem['id'], change: Partial<PreflightItem> = {}): PreflightItem => ({
  id,
  isOk: true,
  isKnown: true,
  text: `About ${id}.`,
  fix: null,
  ...change,
})

afterEach(cleanup)

async function show(items: readonly PreflightItem[], answers: Parameters<typeof installFakeBridge>[0] = {}) {
  installFakeBridge(answers)
  await act(async () => {
    render(
      <QueryClientProvider client={new QueryClient()}>
        <PreflightList items={items} />
      </QueryClientProvider>,
    )
  })
}

describe('the checks before a start', () => {
  test('never count what is not known as in order, nor say so by colour alone', async () => {
    await show([line('dataset'), line('key', { isKnown: false }), line('stock', { isKnown: false }), line('money', { isKnown: false })])
    expect(screen.getByText('1 more check is in order, 2 not known')).toBeDefined()
    expect(screen.getByText('About money.').textContent).toContain('Not known: ')
    expect(screen.getByText('About dataset.').textContent).toContain('In order: ')
    cleanup()
    await show([line('dataset'), line('key')])
    expect(screen.getByText('2 more checks are in order')).toBeDefined()
    cleanup()
    await show([line('key', { isKnown: false })])
    expect(screen.getByText('1 not known')).toBeDefined()
  })

  test('lead to the choice that is to be made again', async () => {
    await show([line('model', { isOk: false, fix: 'Choose another.', action: { kind: 'choose', choice: 'model' } })])
    await act(async () => fireEvent.click(screen.getByRole('button', { name: 'Choose a base model' })))
    expect(runDraftStore.getState().reopened).toBe('model')
  })

  test('leave out exactly the rows that teach nothing, and tell when that failed', async () => {
    const edits: RouteInput<'datasets.applyEdit'>[] = []
    await show([line('mask', { isOk: false, fix: 'Leave them out.', action: { kind: 'leave_rows_out', datasetId } })], {
      'datasets.applyEdit': (input) => {
        edits.push(input)
        throw new Error('The disk is full.')
      },
    })
    await act(async () => fireEvent.click(screen.getByRole('button', { name: 'Leave these rows out' })))
    await waitFor(() => expect(screen.getByRole('alert')).toBeDefined())
    expect(edits).toMatchObject([{ id: datasetId, edit: { kind: 'drop', choice: { filter: { state: 'usable', trainedTo: 0 } } } }])
  })
})

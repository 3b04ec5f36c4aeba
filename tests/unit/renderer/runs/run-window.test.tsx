// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import type { RouteInput } from '../../../../preload/contract/contract.ts'
import type { Run } from '../../../../preload/contract/runs.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'
import { createRun } from './fixtures.ts'

const nextId = '0198a000-0000-7000-8000-000000000099'
const refused = { code: 'MASK_EMPTY', message: 'Rows 3 and 9 have nothing to learn.', advice: 'Add an answer to them.' } as const

function failedRun(code: 'MASK_EMPTY' | 'ROWS_CUT' | 'OUT_OF_MEMORY', changes: Partial<Run> = {}): Run {
  const error = { ...refused, code }
  return createRun({ status: 'failed', stage: 'ended', endedAtMs: 1_700_000_100_000, error, workerError: error, ...changes })
}

async function openRun(run: Run, routes: Parameters<typeof renderWindow>[1] = {}) {
  const main = await renderWindow(`/runs/${run.id}`, {
    'runs.get': ({ id }) => (id === run.id ? run : createRun({ id })),
    'runs.listMetrics': () => ({ points: [], checkpoints: [], cursor: 0 }),
    'runs.listSamples': () => [],
    'runs.listMaskSamples': () => [],
    ...routes,
  })
  await screen.findByRole('heading', { name: run.name })
  return main
}

describe('a run that the trainer refused', () => {
  test.each([
    ['MASK_EMPTY', 'Start again and leave these rows out', { rowsWithoutAnswer: true, rowsCut: false }],
    ['ROWS_CUT', 'Start again and accept shorter rows', { rowsWithoutAnswer: false, rowsCut: true }],
  ] as const)('for %s starts again with exactly that one agreement, and only when asked', async (code, label, accepts) => {
    const started: RouteInput<'runs.start'>[] = []
    const run = failedRun(code)
    await openRun(run, {
      'runs.start': (input) => {
        started.push(input)
        return createRun({ id: nextId })
      },
    })
    expect(started).toEqual([])
    await act(async () => fireEvent.click(screen.getByRole('button', { name: label })))
    await waitFor(() => expect(location.hash).toContain(nextId))
    expect(started).toEqual([{ config: { ...run.config, accepts }, name: run.name, retryOf: run.id }])
  })

  test('offers nothing of the kind for any other failure, nor twice for the same one', async () => {
    await openRun(failedRun('OUT_OF_MEMORY'))
    expect(screen.queryByRole('button', { name: /Start again/ })).toBeNull()
  })

  test('does not offer again what was agreed to already, which would end in a circle', async () => {
    const { config } = createRun()
    await openRun(failedRun('MASK_EMPTY', { config: { ...config, accepts: { rowsWithoutAnswer: true, rowsCut: false } } }))
    expect(screen.queryByRole('button', { name: /Start again/ })).toBeNull()
  })
})

describe('the end of a run', () => {
  test('says why it ended before its last step, although it is completed', async () => {
    const stageDetail = 'Ended at step 12 of 34: the held-out loss no longer improved, so the best checkpoint was kept'
    await openRun(createRun({ status: 'completed', stage: 'ended', endedAtMs: 1_700_000_100_000, stageDetail }))
    expect(within(screen.getByRole('region', { name: 'How the run ended' })).getByText(stageDetail)).toBeTruthy()
  })
})

describe('samples', () => {
  const sample = (step: number, text: string) => ({ step, prompt: 'Hello', text, atMs: step })
  const samples = [sample(0, 'from the base'), sample(10, 'after ten'), sample(20, 'after twenty')]

  test('compare the base with the newest step until another step is chosen', async () => {
    await openRun(createRun(), { 'runs.listSamples': () => samples })
    expect(await screen.findByText('after twenty')).toBeTruthy()
    fireEvent.change(screen.getByLabelText(/Compare the base model with/), { target: { value: '10' } })
    expect(await screen.findByText('after ten')).toBeTruthy()
    expect(screen.queryByText('after twenty')).toBeNull()
    expect(screen.getByText('from the base')).toBeTruthy()
  })

  test('say in words, not in colour alone, what of a row is learned', async () => {
    const row = {
      row: 1204,
      tokens: 12,
      tokensTrained: 3,
      segments: [
        { text: 'user: 2 and 3?', isTrained: false },
        { text: '<b>5</b>', isTrained: true },
      ],
      isCut: true,
    }
    await openRun(createRun(), { 'runs.listMaskSamples': () => [row] })
    fireEvent.click(screen.getByRole('radio', { name: 'What the model learns' }))
    const region = await screen.findByRole('region', { name: 'Row 1,204 as the model reads it' })
    expect(region.querySelectorAll('mark')).toHaveLength(1)
    expect(region.textContent).toBe('user: 2 and 3? learned: <b>5</b> end of learned.  … the row goes on')
    expect(screen.getByText(/3 of 12 tokens learned/)).toBeTruthy()
  })
})

describe('configuration', () => {
  test('shows what was agreed to, the memory planned beside the memory used, and that packing is off for this model', async () => {
    const { config, plan } = createRun()
    const run = createRun({
      config: { ...config, accepts: { rowsWithoutAnswer: true, rowsCut: false } },
      plan: plan === null ? null : { ...plan, packing: false, processes: 2, targets: ['q_proj', 'v_proj'] },
      memoryPlan: {
        weightsBytes: 1_000_000_000,
        adapterBytes: 10_000_000,
        optimizerBytes: 20_000_000,
        activationsBytes: 500_000_000,
        totalBytes: 1_530_000_000,
        availableBytes: 8_000_000_000,
        quantization: 'nf4',
      },
    })
    await openRun(run)
    fireEvent.click(screen.getByRole('tab', { name: 'Configuration' }))
    const panel = await screen.findByRole('tabpanel')
    for (const text of [
      'Rows that have nothing to learn are left out',
      '1.5 GB of 8.0 GB available (weights 1.0 GB, adapter 10 MB, optimizer 20 MB, activations 500 MB, base in 4 bits)',
      '1.9 GB',
      'Off, because this model would mix the rows',
      '2 × cpu, float32',
      'q_proj, v_proj',
    ])
      expect(within(panel).getByText(text)).toBeTruthy()
  })
})

describe('a stop that its worker does not follow', () => {
  const stopping = (askedForMs: number, changes: Partial<Run> = {}) =>
    createRun({ endpointKind: 'runpod', jobId: 'job-1', stopRequested: 'discard', stopAskedAtMs: Date.now() - askedForMs, ...changes })
  const measure = { name: 'End the endpoint’s workers' }

  test('says so after a minute and ends the workers only once that was confirmed', async () => {
    const asked: string[] = []
    const run = stopping(90_000)
    await openRun(run, {
      'runs.endWorkers': ({ id }) => {
        asked.push(id)
        return { ...run, endingWorkers: 'asked' }
      },
    })
    expect(screen.getByText(/may still be billed/)).toBeTruthy()
    await act(async () => fireEvent.click(screen.getByRole('button', measure)))
    expect(asked).toEqual([])
    await act(async () => fireEvent.click(screen.getByRole('button', { name: 'End workers' })))
    await waitFor(() => expect(asked).toEqual([run.id]))
    expect(await screen.findByText(/is being told to end its workers/)).toBeTruthy()
  })

  test('offers the stronger measure neither at once nor on this computer', async () => {
    await openRun(stopping(5_000))
    expect(screen.queryByRole('button', measure)).toBeNull()
    await openRun(stopping(90_000, { endpointKind: 'local' }))
    expect(screen.queryByRole('button', measure)).toBeNull()
  })
})

describe('a checkpoint that a cut-off run has left', () => {
  const rescue = { state: 'offered', step: 40, mostMicroUsd: 773_000, message: null } as const
  const cutOff = (change: Partial<NonNullable<Run['rescue']>> = {}) =>
    createRun({ status: 'failed', stage: 'ended', endedAtMs: 1_700_000_100_000, endpointKind: 'runpod', rescue: { ...rescue, ...change } })

  test('is fetched by a charged worker only after its most was shown and agreed to', async () => {
    const asked: string[] = []
    await openRun(cutOff(), {
      'runs.rescue': ({ id }) => {
        asked.push(id)
        return cutOff({ state: 'working' })
      },
    })
    await act(async () => fireEvent.click(screen.getByRole('button', { name: 'Fetch the checkpoint of step 40' })))
    expect(within(screen.getByRole('dialog')).getByText(/at most \$0\.77/)).toBeTruthy()
    expect(asked).toEqual([])
    await act(async () => fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Fetch the checkpoint' })))
    await waitFor(() => expect(screen.queryByRole('button', { name: /^Fetch the checkpoint/ })).toBeNull())
    expect(asked).toHaveLength(1)
  })

  test('says why an earlier try failed, and can be tried again', async () => {
    await openRun(cutOff({ message: 'No GPU was free.' }))
    expect(screen.getByText('No GPU was free.')).toBeTruthy()
    expect(screen.getByRole('button', { name: /^Fetch the checkpoint/ })).toBeTruthy()
  })
})

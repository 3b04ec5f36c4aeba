// @vitest-environment jsdom
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { beforeEach, expect, test, vi } from 'vitest'
import type { RouteInput } from '../../../../preload/contract/contract.ts'
import { emptyFilter, rowViewStore } from '../../../../renderer/features/datasets/row-view-store.ts'
import { aDataset, anIssue, anIssueGroup, anOverview, aRow, aRowDetail, stats } from '../../../support/renderer/fixtures.ts'
import { renderWindow } from '../../../support/renderer/render-window.tsx'

type ListInput = RouteInput<'datasets.listRows'>

const dataset = aDataset({ stats: { ...stats, rows: 1_000_000 } })

function listOf(total: number, change: Parameters<typeof aRow>[1] = {}) {
  return ({ offset = 0, limit = 50 }: ListInput) => ({
    total,
    searched: 1,
    rows: Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_unused, index) => aRow(offset + index + 1, change)),
  })
}

const answers = {
  'datasets.get': () => dataset,
  'datasets.getOverview': () => anOverview(),
  'datasets.listIssues': () => [anIssueGroup()],
  'datasets.listRows': listOf(950),
  'datasets.getRow': ({ row }: { row: number }) => aRowDetail(row + 1),
  'datasets.listTokenizers': () => [{ modelId: 'qwen3', modelName: 'Qwen3 8B', family: 'Qwen', licence: 'Apache-2.0' }],
}

function open(change: Parameters<typeof renderWindow>[1] = {}) {
  return renderWindow(`/datasets/${dataset.id}?tab=rows`, { ...answers, ...change })
}

const grid = () => screen.findByRole('grid')
const press = (element: Element, key: string, more: object = {}) => act(async () => fireEvent.keyDown(element, { key, ...more }))
const chosenLines = () =>
  screen
    .getAllByRole('row', { selected: true })
    .map((row) => within(row).getByRole('checkbox').getAttribute('aria-label')?.replace('Choose line ', ''))
const lastFilter = (main: Awaited<ReturnType<typeof open>>) => (main.inputsOf('datasets.listRows').at(-1) as ListInput).filter
const shownFilter = () => rowViewStore.getState().views[dataset.id]?.filter

beforeEach(() => {
  rowViewStore.setState({ views: {} })
  vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(348)
})

test('the last of a million rows is one key away, and only the pages in sight are read', async () => {
  const main = await open({ 'datasets.listRows': listOf(1_000_000) })
  const list = await screen.findByRole('grid', { name: '1,000,000 rows' })
  expect(await within(list).findByText('question 1')).toBeTruthy()
  expect(Number.parseInt(list.querySelector<HTMLElement>('.row-grid-body')?.style.height ?? '', 10)).toBeLessThan(16_000_000)
  await press(list, 'End')
  expect(await within(list).findByText('question 1000000')).toBeTruthy()
  expect(await screen.findByRole('region', { name: 'Line 1,000,000' })).toBeTruthy()
  const last = screen.getAllByRole('row').at(-1)
  expect(last?.getAttribute('aria-rowindex')).toBe('1000001')
  const offsets = main.inputsOf('datasets.listRows').map((input) => (input as ListInput).offset)
  expect(offsets).toContain(999_900)
  expect(offsets.length).toBeLessThan(6)
})

test('scrolling fast asks for nothing on the way', async () => {
  const main = await open({ 'datasets.listRows': listOf(100_000) })
  const list = await grid()
  await within(list).findByText('question 1')
  const before = main.inputsOf('datasets.listRows').length
  for (let top = 32_000; top <= 3_000_000; top += 32_000) {
    list.scrollTop = top
    act(() => void fireEvent.scroll(list))
  }
  expect(await within(list).findByText('question 93001')).toBeTruthy()
  expect(main.inputsOf('datasets.listRows').length - before).toBeLessThan(4)
})

test('text of rows is never markup', async () => {
  const attack = '<img src=x onerror="alert(1)"><b>bold</b>'
  await open({
    'datasets.listRows': listOf(3, { first: attack }),
    'datasets.getRow': () => aRowDetail(1, { messages: [{ role: 'user', content: attack }] }),
  })
  expect((await screen.findAllByText(attack)).length).toBeGreaterThan(0)
  expect(document.querySelector('main img, main .conversation p b')).toBeNull()
})

test('arrows move, Shift extends, Space chooses, and the chosen rows are dropped by number with Undo', async () => {
  const changed = { ...dataset, version: 1, canUndo: true, stats: { ...stats, droppedRows: 3 } }
  const main = await open({ 'datasets.applyEdit': () => changed, 'datasets.undoEdit': () => dataset })
  const list = await grid()
  await within(list).findByText('question 1')
  await press(list, 'ArrowDown')
  await press(list, 'ArrowDown', { shiftKey: true })
  expect(chosenLines()).toEqual(['2', '3'])
  await press(list, 'ArrowDown')
  await press(list, 'ArrowDown')
  await press(list, ' ')
  expect(chosenLines()).toEqual(['2', '3', '5'])
  fireEvent.click(screen.getByRole('button', { name: 'Drop 3 rows' }))
  await waitFor(() =>
    expect(main.inputsOf('datasets.applyEdit')).toEqual([
      { id: dataset.id, edit: { kind: 'drop', choice: { kind: 'rows', rows: [1, 2, 4] } } },
    ]),
  )
  expect(await screen.findByText('3 rows dropped.')).toBeTruthy()
  await waitFor(() => expect(screen.queryAllByRole('row', { selected: true })).toEqual([]))
})

test('Undo in the message takes back that change only while it is the newest', async () => {
  let now = dataset
  const main = await open({
    'datasets.get': () => now,
    'datasets.applyEdit': () => (now = { ...dataset, version: 1, canUndo: true }),
    'datasets.undoEdit': () => (now = dataset),
  })
  fireEvent.click(await screen.findByRole('button', { name: 'Drop row' }))
  const undo = await screen.findByRole('button', { name: 'Undo', hidden: true })
  now = { ...dataset, version: 2, canUndo: true }
  fireEvent.click(undo)
  expect(await screen.findByText(/Other changes came after this one/)).toBeTruthy()
  expect(main.inputsOf('datasets.undoEdit')).toEqual([])
})

test('choosing all rows changes them by the filter and names none of them', async () => {
  const main = await open({ 'datasets.listRows': listOf(1_000_000), 'datasets.applyEdit': () => dataset })
  const list = await grid()
  await press(list, 'a', { ctrlKey: true })
  fireEvent.click(await screen.findByRole('button', { name: 'Drop 1,000,000 rows' }))
  await waitFor(() =>
    expect(main.inputsOf('datasets.applyEdit')).toEqual([
      { id: dataset.id, edit: { kind: 'drop', choice: { kind: 'filter', filter: emptyFilter } } },
    ]),
  )
})

test('no key alone drops rows', async () => {
  const main = await open()
  const list = await grid()
  await press(list, ' ')
  for (const key of ['Delete', 'Backspace', 'd', 'Enter']) await press(list, key)
  expect(main.inputsOf('datasets.applyEdit')).toEqual([])
})

test('Enter goes to the row and Escape back to the list', async () => {
  await open()
  const list = await grid()
  const detail = await screen.findByRole('region', { name: 'Line 1' })
  list.focus()
  await press(list, 'Enter')
  await waitFor(() => expect(document.activeElement).toBe(detail))
  await press(detail, 'Escape')
  expect(document.activeElement).toBe(list)
})

test('a header sorts, turns round on the second press, and says so to screen readers', async () => {
  const main = await open()
  await grid()
  fireEvent.click(screen.getByRole('button', { name: 'Tokens' }))
  await waitFor(() => expect((main.inputsOf('datasets.listRows').at(-1) as ListInput).sort).toEqual({ by: 'tokens', descending: true }))
  expect(screen.getByRole('columnheader', { name: 'Tokens' }).getAttribute('aria-sort')).toBe('descending')
  fireEvent.click(screen.getByRole('button', { name: 'Tokens' }))
  await waitFor(() => expect((main.inputsOf('datasets.listRows').at(-1) as ListInput).sort).toEqual({ by: 'tokens', descending: false }))
})

test('every condition narrows the rows, shows as a chip and goes away by its button', async () => {
  const main = await open()
  await grid()
  fireEvent.click(screen.getByRole('button', { name: 'Filter' }))
  const form = within(await screen.findByRole('dialog', { name: 'Show only rows with' }))
  await waitFor(() => expect(form.getByLabelText<HTMLSelectElement>('Issue').disabled).toBe(false))
  fireEvent.change(form.getByLabelText('Issue'), { target: { value: 'role.unknown' } })
  fireEvent.change(form.getByLabelText('Severity'), { target: { value: 'warning' } })
  fireEvent.change(form.getByLabelText('Found in text'), { target: { value: 'email' } })
  fireEvent.change(form.getByLabelText('Script'), { target: { value: 'latin' } })
  fireEvent.change(form.getByLabelText('Turns from'), { target: { value: '4' } })
  fireEvent.change(screen.getByLabelText('State'), { target: { value: 'edited' } })
  await waitFor(() =>
    expect(lastFilter(main)).toEqual({
      ...emptyFilter,
      rules: ['role.unknown'],
      severity: 'warning',
      flags: ['email'],
      script: 'latin',
      turnsFrom: 4,
      state: 'edited',
    }),
  )
  expect(await screen.findByText('950 of 1,000,000 rows match.')).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Remove condition: Unknown role', hidden: true }))
  await waitFor(() => expect(lastFilter(main)?.rules).toEqual([]))
  fireEvent.click(screen.getByRole('button', { name: 'Clear all', hidden: true }))
  await waitFor(() => expect(shownFilter()).toEqual(emptyFilter))
})

test('a search waits for the typing to rest, shows how far it is, and asks again until it is done', async () => {
  let searched = 0.42
  const main = await open({
    'datasets.listRows': (input) => {
      const answer = listOf(input.filter.text === '' ? 950 : 2)(input)
      return { ...answer, searched: input.filter.text === '' ? 1 : searched }
    },
  })
  const field = await screen.findByRole('searchbox', { name: 'Search in rows' })
  for (const value of ['b', 'br', 'brake']) fireEvent.change(field, { target: { value } })
  expect(await screen.findByText(/Searched 42 %/)).toBeTruthy()
  expect(screen.queryByRole('button', { name: /^Drop all/ })).toBeNull()
  searched = 1
  expect(await screen.findByText('2 of 1,000,000 rows match.', {}, { timeout: 3000 })).toBeTruthy()
  const texts = new Set(main.inputsOf('datasets.listRows').map((input) => (input as ListInput).filter.text))
  expect([...texts]).toEqual(['', 'brake'])
})

test('when nothing matches, one button shows all rows again', async () => {
  await open({ 'datasets.listRows': (input) => listOf(input.filter.state === 'edited' ? 0 : 950)(input) })
  await grid()
  fireEvent.change(screen.getByLabelText('State'), { target: { value: 'edited' } })
  fireEvent.click(await screen.findByRole('button', { name: 'Show all rows' }))
  expect(await grid()).toBeTruthy()
  expect(shownFilter()).toEqual(emptyFilter)
})

test('figures of a row that were not counted are dashes', async () => {
  await open({ 'datasets.listRows': listOf(1, { tokens: null, trained: null }) })
  const row = (await within(await grid()).findByText('question 1')).closest('[role="row"]')
  const figures = [...(row?.querySelectorAll('.row-number') ?? [])].map(({ textContent }) => textContent)
  expect(figures).toEqual(['1', '4', '640', '–', '–'])
})

test('filter and place are still there after another page was open', async () => {
  const main = await open()
  const list = await grid()
  await press(list, 'PageDown')
  const at = rowViewStore.getState().views[dataset.id]?.current
  expect(at).toBeGreaterThan(5)
  await act(async () => {
    window.location.hash = '/settings'
  })
  await waitFor(() => expect(screen.queryByRole('grid')).toBeNull())
  await act(async () => {
    window.location.hash = `/datasets/${dataset.id}?tab=rows`
  })
  await grid()
  expect(await screen.findByRole('region', { name: `Line ${(at ?? 0) + 1}` })).toBeTruthy()
  expect(main.calls.length).toBeGreaterThan(0)
})

test('the model view shows special and trained tokens and where the row is cut', async () => {
  const token = (text: string, isTrained: boolean, isSpecial = false) => ({ id: 7, text, isTrained, isSpecial })
  const main = await open({
    'datasets.previewTokens': ({ maxLength }) => ({
      modelId: 'qwen3',
      modelName: 'Qwen3 8B',
      total: 5,
      trained: 2,
      cutAt: maxLength === 512 ? 3 : 5,
      tokens: [
        token('<|im_start|>', false, true),
        token('user', false),
        token('Hello', true),
        token(' there', true),
        token('<|im_end|>', false, true),
      ],
      isListCut: false,
    }),
  })
  fireEvent.click(await screen.findByRole('radio', { name: 'As the model sees it' }))
  const text = await screen.findByRole('region', { name: 'The row as Qwen3 8B sees it' })
  expect(text.querySelectorAll('[data-special="true"]')).toHaveLength(2)
  expect(text.querySelectorAll('[data-trained="true"]')).toHaveLength(2)
  expect(within(text).queryByRole('separator')).toBeNull()
  fireEvent.change(screen.getByLabelText('Longest row in tokens'), { target: { value: '512' } })
  expect(await screen.findByRole('separator', { name: 'Cut after 3 tokens' })).toBeTruthy()
  expect(screen.getByText('2 do not fit')).toBeTruthy()
  expect(main.inputsOf('datasets.previewTokens').at(-1)).toEqual({ id: dataset.id, row: 0, modelId: 'qwen3', maxLength: 512 })
})

test('the raw editor refuses what is not JSON, keeps the text, and shows what main refuses', async () => {
  const main = await open({
    'datasets.applyEdit': () => {
      throw { code: 'INVALID_INPUT', message: 'The row has no messages. Add at least one.', retryable: false }
    },
  })
  fireEvent.click(await screen.findByRole('radio', { name: 'Raw' }))
  const field = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: 'JSON of the row' })
  const save = () => screen.getByRole<HTMLButtonElement>('button', { name: 'Save row' })
  expect(save().disabled).toBe(true)
  fireEvent.change(field, { target: { value: '{"messages": [}' } })
  expect(screen.getByText('This is not JSON yet: look at line 1, character 15.')).toBeTruthy()
  expect(save().disabled).toBe(true)
  fireEvent.change(field, { target: { value: '{\n  "messages": []\n}' } })
  fireEvent.click(save())
  expect(await screen.findByText('The row has no messages. Add at least one.')).toBeTruthy()
  expect(field.value).toBe('{\n  "messages": []\n}')
  expect(main.inputsOf('datasets.applyEdit')).toEqual([{ id: dataset.id, edit: { kind: 'replace', row: 0, text: '{"messages":[]}' } }])
})

test('an issue of the row leads to its fix, and its findings are redacted in this row only', async () => {
  const main = await open({
    'datasets.getRow': () =>
      aRowDetail(1, {
        issues: [anIssue(1)],
        findings: [{ flag: 'email', title: 'E-mail address', text: 'anna@example.org', pointer: '/messages/0/content' }],
        verdicts: [{ consumer: 'openai', title: 'OpenAI', outcome: 'rejected', reason: 'The role stops the job.' }],
      }),
    'datasets.previewFix': () => ({ rows: 24, label: 'Rename to assistant', examples: [] }),
    'datasets.applyEdit': () => dataset,
  })
  const verdicts = await screen.findByRole('region', { name: 'What trainers do with this row' })
  expect(verdicts.textContent).toContain('OpenAIrefusedThe role stops the job.')
  fireEvent.click(screen.getByRole('button', { name: 'Redact in this row' }))
  await waitFor(() =>
    expect(main.inputsOf('datasets.applyEdit')).toEqual([
      { id: dataset.id, edit: { kind: 'redact', flags: ['email'], choice: { kind: 'rows', rows: [0] } } },
    ]),
  )
  fireEvent.click(screen.getByRole('button', { name: 'Preview fix' }))
  expect(await screen.findByRole('dialog', { name: 'Rename to assistant' })).toBeTruthy()
})

test('redacting all that match offers private data and secrets, not quality', async () => {
  const main = await open({ 'datasets.applyEdit': () => dataset })
  await grid()
  fireEvent.change(screen.getByLabelText('State'), { target: { value: 'usable' } })
  fireEvent.click(await screen.findByRole('button', { name: 'Redact…' }))
  const dialog = within(await screen.findByRole('dialog', { name: 'Redact in 950 rows' }))
  await waitFor(() => expect(dialog.getAllByRole('checkbox')).toHaveLength(2))
  fireEvent.click(dialog.getByRole('checkbox', { name: /Access keys/ }))
  fireEvent.click(dialog.getByRole('button', { name: 'Redact' }))
  await waitFor(() =>
    expect(main.inputsOf('datasets.applyEdit')).toEqual([
      {
        id: dataset.id,
        edit: { kind: 'redact', flags: ['email'], choice: { kind: 'filter', filter: { ...emptyFilter, state: 'usable' } } },
      },
    ]),
  )
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { routes } from '../../../preload/contract/contract.ts'
import { createAdapterLab, windowContext, type AdapterLab } from './adapter-lab.ts'

let lab: AdapterLab
beforeEach(() => void (lab = createAdapterLab()))
afterEach(() => lab.close())

describe('adapter routes', () => {
  it('every one answers in the shape the window expects, for a good and for a quarantined adapter', async () => {
    const undo = lab.flip('adapter/part-0001')
    await lab.collect().catch(() => undefined)
    const handlers = lab.handlers()
    const { id } = lab.adapter()
    const listed = await handlers['adapters.list']({ search: '', sort: 'health' }, windowContext)
    expect(routes['adapters.list'].output.parse(listed)).toMatchObject([{ status: 'quarantined' }])
    undo()
    lab.shell.saveTo = lab.exportFolder
    const answers = {
      'adapters.fetchAgain': await handlers['adapters.fetchAgain']({ id }, windowContext),
      'adapters.get': await handlers['adapters.get']({ id }, windowContext),
      'adapters.rename': await handlers['adapters.rename']({ id, name: 'Another name' }, windowContext),
      'adapters.verify': await handlers['adapters.verify']({ id }, windowContext),
      'adapters.startDrag': await handlers['adapters.startDrag']({ id }, windowContext),
      'adapters.saveAs': await handlers['adapters.saveAs']({ id, format: 'folder' }, windowContext),
      'adapters.reveal': await handlers['adapters.reveal']({ id }, windowContext),
      'adapters.copyPath': await handlers['adapters.copyPath']({ id }, windowContext),
      'adapters.delete': await handlers['adapters.delete']({ id }, windowContext),
    }
    const wrong = Object.entries(answers).filter(
      ([route, answer]) => !routes[route as keyof typeof answers].output.safeParse(answer).success,
    )
    expect(wrong).toEqual([])
  })
})

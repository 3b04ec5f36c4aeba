import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDatasetLab, goodRow, readFixture, type DatasetLab } from './dataset-lab.ts'

let lab: DatasetLab
beforeEach(() => {
  lab = createDatasetLab()
})
afterEach(() => lab.close())

describe('the training file', () => {
  it('is the same bytes for the same conversations, whatever shape they came in', async () => {
    const turns = [
      { role: 'user', content: 'Q “x” \u2028' },
      { role: 'assistant', content: 'A\n🌱' },
    ]
    const shapes = [
      JSON.stringify({ messages: turns }),
      JSON.stringify({ conversation_id: 'c', turns, extra: 1 }),
      JSON.stringify(
        { conversations: turns.map(({ role, content }) => ({ value: content, from: role === 'user' ? 'human' : 'gpt' })) },
        null,
        0,
      ),
      `{"_meta":{"version":"4.0.0"}}\n${JSON.stringify({ conversation_history: [turns[0]], current_user_input: turns[0]?.content, target_response: turns[1]?.content })}`,
    ]
    const frozen = await Promise.all(
      shapes.map(async (content, index) => lab.service.freeze((await lab.import(`${index}.jsonl`, `\n${content}\r\n`)).id)),
    )
    const bytes = Buffer.from(`${JSON.stringify({ messages: turns })}\n`)
    for (const file of frozen) {
      expect(readFileSync(file.path)).toEqual(bytes)
      expect(file).toEqual({ ...frozen[0], rows: 1, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
    }
  })

  it('holds only rows the trainer can read: messages with role and content', async () => {
    const { id } = await lab.import('b.jsonl', readFixture('brightrun-v4.jsonl'))
    const { path, rows } = await lab.service.freeze(id)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    expect(lines).toHaveLength(rows)
    for (const line of lines) {
      const { messages } = JSON.parse(line) as { messages: { role: string; content: string }[] }
      const roles = messages.map(({ role }) => role)
      expect(roles.at(-1)).toBe('assistant')
      expect(roles.some((role, index) => index > 0 && role === roles[index - 1])).toBe(false)
    }
  })

  it('is made once, also when asked for twice at the same time, and again when it was damaged', async () => {
    const { id } = await lab.import('a.jsonl', `${goodRow('a')}\n${goodRow('b')}`)
    const [first, second] = await Promise.all([lab.service.freeze(id), lab.service.freeze(id)])
    expect(second).toEqual(first)
    const madeMs = statSync(first.path).mtimeMs
    expect(await lab.service.freeze(id)).toEqual(first)
    expect(statSync(first.path).mtimeMs).toBe(madeMs)
    writeFileSync(first.path, 'damaged')
    expect(await lab.service.freeze(id)).toEqual(first)
    expect(readFileSync(first.path, 'utf8')).toBe(`${goodRow('a')}\n${goodRow('b')}\n`)
    expect(readdirSync(join(lab.datasetsFolder, 'frozen'))).toEqual([`${first.sha256}.jsonl`])
  })

  it('refuses a dataset that is deleted or unknown', async () => {
    const { id } = await lab.import('a.jsonl', goodRow('a'))
    await lab.service.delete(id)
    await expect(lab.service.freeze(id)).rejects.toMatchObject({ code: 'DATASET_NOT_FOUND' })
  })
})

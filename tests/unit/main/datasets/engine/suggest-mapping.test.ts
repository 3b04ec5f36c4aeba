import { describe, expect, it } from 'vitest'
import { suggestMapping } from '../../../../../main/features/datasets/engine/suggest-mapping.ts'

describe('the first guess at columns', () => {
  it.each([
    [['id', 'Question', 'Answer'], { kind: 'chat', system: null, user: 'Question', assistant: 'Answer' }],
    [
      ['system_prompt', 'user input', 'model_output'],
      { kind: 'chat', system: 'system_prompt', user: 'user input', assistant: 'model_output' },
    ],
    [['number', 'complaint', 'reply_text', 'state'], { kind: 'chat', system: null, user: 'complaint', assistant: 'reply_text' }],
    [['ticket_id', 'what_was_said', 'reply'], { kind: 'chat', system: null, user: 'what_was_said', assistant: 'reply' }],
    [['id', 'body'], { kind: 'text', text: 'body' }],
    [['a', 'b'], null],
    [[], null],
  ])('takes an answer for a plain text, or a record number for a question: %j', (columns, expected) => {
    expect(suggestMapping(columns)).toEqual(expected)
  })
})

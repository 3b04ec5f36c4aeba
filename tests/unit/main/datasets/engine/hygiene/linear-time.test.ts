import { describe, expect, it } from 'vitest'
import { flagTable } from '../../../../../../main/features/datasets/engine/hygiene/flags.ts'
import { createSigner } from '../../../../../../main/features/datasets/engine/hygiene/near-duplicates.ts'
import { redactText } from '../../../../../../main/features/datasets/engine/hygiene/redact.ts'
import { createRowScanner } from '../../../../../../main/features/datasets/engine/hygiene/row-scanner.ts'
import type { RowContent } from '../../../../../../main/features/datasets/engine/row-model.ts'

const answer = (text: string): RowContent => ({
  shape: 'messages',
  messages: [
    { role: 'user', content: 'Q?' },
    { role: 'assistant', content: text },
  ],
  rejected: null,
  text: null,
  tools: null,
})
const all = flagTable.map(({ id }) => id)
const scanner = createRowScanner()
const signer = createSigner()
const megabyte = 1_000_000
const filled = (piece: string, length: number) => piece.repeat(Math.ceil(length / piece.length)).slice(0, length)

/** Pieces that drive careless patterns and loops to quadratic or exponential time when repeated. */
const pieces = [
  '@',
  'a@',
  'a@b',
  'a@b.',
  '.@.',
  'a.b.c@d.e.',
  '1',
  '1 ',
  '1-',
  '12.',
  '12-',
  '1234 ',
  '+1',
  '+12 ',
  '(',
  '(1',
  '(415) ',
  '00',
  '0 12 ',
  'tel ',
  'tel1',
  'AB12',
  'AB12 ',
  'DE89 3704 ',
  'ABCDEF12',
  'P<',
  'P<A',
  '<',
  '<a',
  '<a ',
  '<br',
  '</',
  '&',
  '&#',
  '&#1',
  '`',
  '```',
  '```\n',
  '\n```',
  '~~~\n```\n',
  '`a\n',
  '>```',
  '-',
  '--',
  '-----',
  '-----BEGIN ',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN PRIVATE KEY-----\nabcdefghijklmnopqrstuvwxyzABCDEFGHIJ\n',
  'eyJ',
  'eyJ.',
  'eyJabcdefg.eyJabcdefg.',
  'sk-',
  'sk-ant-',
  'ghp_',
  'key=',
  'key = "',
  'password:',
  'token="\'',
  '=\'"',
  'aA1bB2cC3dD4eE5f',
  'aA1bB2cC3dD4eE5f=',
  'secret=aA1bB2cC3dD4eE5f ',
  'Bearer ',
  '\\"',
  '"',
  '{"a":"',
  '\\',
  'Ã',
  'Ã©',
  'â€',
  'ÐÑ',
  '\ufffd',
  'a',
  'a ',
  'a\n',
  '\n',
  ' ',
  '\t',
  '#',
  '我',
  '我 ',
  '。',
  '🙂',
  '\ud83d',
  'as an ',
  "i'm sorry, but i ",
  'a. ',
  '. ',
]

/** Counts the characters and patterns that are looked at: unlike seconds they are the same on every machine. */
function countSteps(work: () => void): number {
  let steps = 0
  const watch = (owner: object, name: string, cost: (self: { length: number }, args: readonly unknown[], result: unknown) => number) => {
    const original = Reflect.get(owner, name) as (...args: readonly unknown[]) => unknown
    Reflect.set(owner, name, function counted(this: { length: number }, ...args: unknown[]) {
      const result = Reflect.apply(original, this, args)
      steps += cost(this, args, result)
      return result
    })
    return () => Reflect.set(owner, name, original)
  }
  const restore = [
    watch(String.prototype, 'charCodeAt', () => 1),
    watch(
      String.prototype,
      'indexOf',
      ({ length }, [, from], found) => 1 + (Math.max(0, found === -1 ? length : Number(found)) - Number(from ?? 0)) / 16,
    ),
    watch(String.prototype, 'lastIndexOf', ({ length }, [, from], found) => 1 + (Number(from ?? length) - Number(found)) / 16),
    watch(String.prototype, 'slice', (_self, _args, part) => 1 + String(part).length / 16),
    watch(RegExp.prototype, 'exec', () => 20),
    watch(RegExp.prototype, 'test', () => 20),
  ]
  try {
    work()
  } finally {
    for (const undo of restore) undo()
  }
  return steps
}

const work = (text: string) => {
  scanner.scan(answer(text))
  signer.sign(answer(text), new Uint32Array(128), 0)
  redactText(JSON.stringify({ messages: [{ content: text }, { arguments: text }] }), all)
}

describe('hostile text', () => {
  it('of four times the length takes at most six times the steps', () => {
    for (const piece of pieces) {
      const few = countSteps(() => work(filled(piece, 4000)))
      const many = countSteps(() => work(filled(piece, 16_000)))
      expect(many / few, JSON.stringify(piece)).toBeLessThan(6)
    }
  })

  // A quadratic pattern would need hours for these.
  const empty = scanner.scan(answer('')).contentLow
  it.each(pieces)('of a megabyte of %j is read to its end', (piece) => {
    const { contentLow } = scanner.scan(answer(filled(piece, megabyte)))
    expect(contentLow === empty).toBe(piece.trim() === '')
  })

  it('of a megabyte is redacted to its end', () => {
    for (const piece of ['+12 ', '1234 ', 'a@b.', '{"a":"', '-----BEGIN PRIVATE KEY-----', 'secret=aA1bB2cC3dD4eE5f ']) {
      const row = JSON.stringify({ arguments: filled(piece, megabyte) })
      expect(redactText(row, ['privacy.jwt', 'privacy.card'])).toBeNull()
    }
  })
})

import { afterEach, describe, expect, it } from 'vitest'
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
  '@', 'a@', 'a@b', 'a@b.', '.@.', 'a.b.c@d.e.', '1', '1 ', '1-', '12.', '12-', '1234 ', '+1', '+12 ', '(', '(1', '(415) ', '00', '0 12 ', 'tel ', 'tel1',
  'AB12', 'AB12 ', 'DE89 3704 ', 'ABCDEF12', 'P<', 'P<A', '<', '<a', '<a ', '<br', '</', '&', '&#', '&#1', '`', '```', '```\n', '\n```', '~~~\n```\n', '`a\n', '>```',
  '-', '--', '-----', '-----BEGIN ', '-----BEGIN PRIVATE KEY-----', '-----BEGIN PRIVATE KEY-----\nabcdefghijklmnopqrstuvwxyzABCDEFGHIJ\n', 'eyJ', 'eyJ.', 'eyJabcdefg.eyJabcdefg.', 'sk-',
  'sk-ant-', 'ghp_', 'key=', 'key = "', 'password:', 'token="\'', '=\'"', 'aA1bB2cC3dD4eE5f', 'aA1bB2cC3dD4eE5f=', 'secret=aA1bB2cC3dD4eE5f ', 'Bearer ', '\\"', '"', '{"a":"', '\\',
  'Ã', 'Ã©', 'â€', 'ÐÑ', '\ufffd', 'a', 'a ', 'a\n', '\n', ' ', '\t', '#', '我', '我 ', '。', '🙂', '\ud83d', 'as an ', "i'm sorry, but i ", 'a. ', '. ',
]

/** Counts the characters and patterns that are looked at: unlike seconds they are the same on every machine. */
function countSteps(work: () => void): number {
  let steps = 0
  const { charCodeAt, indexOf, lastIndexOf, slice } = String.prototype
  const { exec, test } = RegExp.prototype
  String.prototype.charCodeAt = function count(at) {
    steps += 1
    return charCodeAt.call(this, at)
  }
  String.prototype.indexOf = function count(search, from) {
    const found = indexOf.call(this, search, from)
    steps += 1 + ((found < 0 ? this.length : found) - (from ?? 0)) / 16
    return found
  }
  String.prototype.lastIndexOf = function count(search, from) {
    const found = lastIndexOf.call(this, search, from)
    steps += 1 + ((from ?? this.length) - found) / 16
    return found
  }
  String.prototype.slice = function count(start, end) {
    const part = slice.call(this, start, end)
    steps += 1 + part.length / 16
    return part
  }
  RegExp.prototype.exec = function count(text) {
    steps += 20
    return exec.call(this, text)
  }
  RegExp.prototype.test = function count(text) {
    steps += 20
    return test.call(this, text)
  }
  try {
    work()
  } finally {
    Object.assign(String.prototype, { charCodeAt, indexOf, lastIndexOf, slice })
    Object.assign(RegExp.prototype, { exec, test })
  }
  return steps
}

const work = (text: string) => {
  scanner.scan(answer(text))
  signer.sign(answer(text), new Uint32Array(128), 0)
  redactText(JSON.stringify({ messages: [{ content: text }, { arguments: text }] }), all)
}

afterEach(() => {
  expect('a'.charCodeAt(0)).toBe(97)
})

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

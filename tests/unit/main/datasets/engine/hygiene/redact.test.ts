import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findPrivate } from '../../../../../../main/features/datasets/engine/hygiene/findings.ts'
import { flagTable } from '../../../../../../main/features/datasets/engine/hygiene/flags.ts'
import { redactText } from '../../../../../../main/features/datasets/engine/hygiene/redact.ts'
import type { ChatMessage } from '../../../../../../preload/contract/datasets.ts'

const all = flagTable.filter(({ placeholder }) => placeholder !== null).map(({ id }) => id)

describe('redaction of a row', () => {
  it('replaces findings by typed placeholders and leaves everything else as it stands, byte for byte', () => {
    const row = String.raw`{ "id": 12345678901234567890, "messages":[{"role":"user","content":"Mail \u0061nna@firma.de\n or 415-555-0199"} ,{"role":"assistant","content":"Done \ud83d\ude00.","n":1.0}],"meta":{"by":"b@c.org","n":null}, "a@b.org": 1}`
    expect(redactText(row, all)).toBe(
      String.raw`{ "id": 12345678901234567890, "messages":[{"role":"user","content":"Mail [email]\n or [phone]"} ,{"role":"assistant","content":"Done \ud83d\ude00.","n":1.0}],"meta":{"by":"[email]","n":null}, "a@b.org": 1}`,
    )
    expect(redactText(row, ['privacy.phone'])).toContain('nna@firma.de')
  })

  it('answers null where nothing is to be replaced, and does not fail on a broken row', () => {
    expect(redactText('{"text":"nothing here"}', all)).toBeNull()
    expect(redactText('{"text":"mail a@b.org"}', ['privacy.iban', 'quality.refusal'])).toBeNull()
    expect(redactText('{"text":"mail a@b.org', all)).toBeNull()
    expect(redactText(String.raw`{"text":"\x a@b.org","more":"c@d.org"}`, all)).toBe(String.raw`{"text":"\x a@b.org","more":"[email]"}`)
  })

  it('keeps the ids that tie a function call to its answer', () => {
    const row =
      '{"messages":[{"role":"assistant","tool_calls":[{"id":"415-555-0199"}]},{"role":"tool","tool_call_id":"415-555-0199","content":"415-555-0199"}]}'
    expect(redactText(row, all)).toBe(
      '{"messages":[{"role":"assistant","tool_calls":[{"id":"415-555-0199"}]},{"role":"tool","tool_call_id":"415-555-0199","content":"[phone]"}]}',
    )
  })

  it('keeps the arguments of a call JSON when a bare number is replaced', () => {
    const row = JSON.stringify({
      messages: [{ tool_calls: [{ function: { arguments: '{"phone": 4155550199, "to":"a@b.org", "n": 5}' } }] }],
    })
    const redacted = JSON.parse(redactText(row, all) ?? '')
    expect(JSON.parse(redacted.messages[0].tool_calls[0].function.arguments)).toEqual({ phone: '[phone]', to: '[email]', n: 5 })
  })

  it('leaves no finding in the row it was made from', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'a@b.org',
        'x.y@z.co.uk',
        '+1 415 555 0123',
        '415-555-0199',
        '93.184.216.34',
        'GB82WEST12345698765432',
        '4111111111111111',
        '123-45-6789',
      ),
      fc.constantFrom(
        'Tel. 5551234',
        '12345678Z',
        ['sk-ant', 'api03', 'aB3dE5gH7jK9mN1pQ3rS5tU7'].join('-'),
        ['api_key=', 'f9a8b7c6d5e4f3a2b1c0', ''].join('"'),
        '@',
        '.',
        ' ',
        '-',
        '\n',
        '"',
        '\\',
      ),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(piece, { maxLength: 12 }), (user, assistant) => {
        const row = JSON.stringify({
          messages: [
            { role: 'user', content: user.join('') },
            { role: 'assistant', content: assistant.join('') },
          ],
          extra: [1.5],
        })
        const redacted = JSON.parse(redactText(row, all) ?? row) as { messages: ChatMessage[]; extra: unknown }
        expect(redacted.extra).toEqual([1.5])
        expect(findPrivate({ shape: 'messages', messages: redacted.messages, rejected: null, text: null, tools: null })).toEqual([])
      }),
      { seed: 5, numRuns: 1500 },
    )
  })
})

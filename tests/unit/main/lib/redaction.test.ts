import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redact, redactText } from '../../../../main/lib/redaction.ts'
import { createLog } from '../../../../main/lib/log.ts'

const body = 'Abcd1234Efgh5678Ijkl'
const secrets = [
  `rpa_${body}`,
  `rps_${body}`,
  `hf_${body}`,
  `sk-ant-api03-${body}`,
  `AKIA${body.toUpperCase()}`,
  `Bearer ${body}`,
  `basic ${body}==`,
  `eyJ${body}.${body}.${body}`,
  `https://user:${body}@example.org/x`,
]

describe('redaction', () => {
  it.each(secrets)('%s does not reach the log, wherever it stands in the text', (secret) => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(redactText(`${before} ${secret} ${after}`)).not.toContain(body)
      }),
      { numRuns: 50 },
    )
  })

  it('several secrets in one line all go, and ordinary text stays', () => {
    expect(redactText(`a rpa_${body} b hf_${body} c`)).toBe('a [redacted] b [redacted] c')
    expect(redactText('The run task-force ended at step 12 of 40 (loss 1.25).')).toBe(
      'The run task-force ended at step 12 of 40 (loss 1.25).',
    )
  })

  it.each([`https://example.org/x?api_key=${body}&page=2`, `{"apiKey":"${body}"}`, `HF_TOKEN=${body}`, `password: ${body}`])(
    'a secret without a known form goes where its name stands before it: %s',
    (text) => {
      expect(redactText(text)).not.toContain(body)
    },
  )

  it('counts of tokens and words about secrets stay readable', () => {
    const text = 'max_tokens: 131072000, token: 12345678, the password is wrong, tokens_trained=4000000000'
    expect(redactText(text)).toBe(text)
  })

  it('an error keeps its code, which a support question needs', () => {
    expect(redact(Object.assign(new Error('full'), { code: 'ENOSPC' }))).toMatchObject({ code: 'ENOSPC' })
  })

  it.each(['apiKey', 'api_key', 'RUNPOD_API_KEY', 'Authorization', 'hfToken', 'password', 'clientSecret', 'set-cookie'])(
    'a value under the name %s goes, however deep it lies and whatever it is',
    (key) => {
      const shown = JSON.stringify(redact({ outer: [{ [key]: { inner: 'plain words' } }, { [key]: 12345 }], kept: 'yes' }))
      expect(shown).not.toMatch(/plain words|12345/)
      expect(shown).toContain('"kept":"yes"')
    },
  )

  it('errors are redacted with their causes, and cycles end', () => {
    const cause = new Error(`Refused Bearer ${body}`)
    const error = new Error(`Could not send rpa_${body}`, { cause })
    expect(JSON.stringify(redact(error))).not.toContain(body)
    const cycle: Record<string, unknown> = { name: 'loop' }
    cycle['self'] = cycle
    expect(JSON.stringify(redact(cycle))).toContain('[deep]')
  })

  it('every level and every scope of the logger passes the redaction', () => {
    const lines: unknown[] = []
    const log = createLog((line) => void lines.push(line)).scoped('runs')
    for (const level of ['debug', 'info', 'warning', 'error'] as const)
      log[level](`key rpa_${body}`, { header: `Bearer ${body}`, apiKey: body })
    expect(lines).toHaveLength(4)
    expect(JSON.stringify(lines)).not.toContain(body)
    expect(lines[0]).toMatchObject({ level: 'debug', scope: 'runs', details: { apiKey: '[redacted]' } })
  })
})

import { expect, it } from 'vitest'
import { createSigner, signatureLength } from '../../../../../../main/features/datasets/engine/hygiene/near-duplicates.ts'
import { createRowReader } from '../../../../../../main/features/datasets/engine/rows/row-reader.ts'
import { chatRows } from '../tokens/chat-rows.ts'

const rowCount = process.env['TUNESMITH_LONG'] === '1' ? 20_000 : 2000

it('never signs a plain chat by its bytes otherwise than by its text', () => {
  const reader = createRowReader({ mapping: null })
  const signer = createSigner()
  const rows = chatRows(rowCount, 20_261_126)
  // Rows of few words, of none, and with one word per character.
  for (const text of ['one', 'a b c d', 'a b c d e', '...', '\u65e5\u672c\u8a9e', 'x\u65e5y', '\u{1f600}', 'A\u{1f600}b c d e f']) {
    rows.push(
      Buffer.from(
        JSON.stringify({
          messages: [
            { role: 'user', content: text },
            { role: 'assistant', content: text },
          ],
        }),
      ),
    )
  }
  let compared = 0
  for (const row of rows) {
    const reading = reader.read(row)
    if (!reading.isPlainChat || reading.content === null) continue
    const [byBytes, byText] = [new Uint32Array(signatureLength), new Uint32Array(signatureLength)]
    if (!signer.signChat(row, reading.turns, byBytes, 0)) continue
    signer.sign(reading.content, byText, 0)
    expect(byBytes, row.toString()).toEqual(byText)
    compared += 1
  }
  expect(compared).toBeGreaterThan(rowCount / 5)
})

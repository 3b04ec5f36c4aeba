import type { TokenPreview } from '../../../../../preload/contract/datasets.ts'
import { AppError } from '../../../../../preload/contract/errors.ts'
import type { RowContent, RowTokens } from '../row-model.ts'
import { cutRow } from './cut-row.ts'

/** Tokens listed at most; a longer row says that its list is cut. */
export const maxListedTokens = 20_000

/** Stands for the bytes that finish a character which began in the token before. */
const continued = '⋯'

/**
 * A row token by token. Where it is too long for `maxLength` the list shows what the trainer keeps, which is the latest turns,
 * or the whole row beyond a cut at 0 when the trainer leaves it out.
 */
export function previewRow(rowTokens: RowTokens, content: RowContent, maxLength: number): Omit<TokenPreview, 'modelId' | 'modelName'> {
  const whole = rowTokens.count(content)
  if ('problem' in whole && typeof whole.problem === 'string') {
    throw new AppError(
      'INVALID_INPUT',
      `The model’s chat template refuses the row: ${whole.problem} Change the row, or choose another base model.`,
    )
  }
  const { kept, total, trained } = cutRow(rowTokens, content, maxLength)
  const tokens = rowTokens.tokens(kept ?? content)
  const texts = displayTexts(tokens.map(({ bytes }) => bytes))
  return {
    total: whole.total,
    trained,
    cutAt: total,
    tokens: tokens.slice(0, maxListedTokens).map(({ id, isTrained, isSpecial }, index) => ({
      id,
      text: texts[index] ?? '',
      isTrained: isTrained && kept !== null,
      isSpecial,
    })),
    isListCut: whole.total > Math.min(tokens.length, maxListedTokens),
  }
}

/** Text of each token; a character that is spread over several tokens stands in the first of them. */
export function displayTexts(pieces: readonly Uint8Array[]): string[] {
  const stream = Buffer.concat(pieces)
  let at = 0
  return pieces.map((piece) => {
    const end = at + piece.length
    const from = nextCharacter(stream, at, end)
    const to = nextCharacter(stream, end, stream.length)
    const text = from < end ? stream.toString('utf8', from, to) : ''
    const isContinued = from > at && at > 0
    at = end
    return isContinued ? continued + text : text
  })
}

/** First place from `at` on where a character begins. */
function nextCharacter(stream: Buffer, at: number, end: number): number {
  let next = at
  while (next < end && next > 0 && ((stream[next] ?? 0) & 0xc0) === 0x80) next += 1
  return next
}

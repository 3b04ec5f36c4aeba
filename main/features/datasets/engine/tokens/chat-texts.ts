import { createAddedTokenFinder } from './added-tokens.ts'
import type { ChatText } from './piece-counter.ts'
import type { VocabularyHeader } from './vocabulary.ts'

/** What templates look for in a text, besides the control tokens of their vocabulary. */
const templateMarks = ['<think>', '</think>', '<tool_response>', '</tool_response>', '<|channel|>']

/** Tells whether the text of a turn is counted as it stands: nothing in it is a control token, and no template strips it. */
export function createChatTextCheck({ addedTokens }: Pick<VocabularyHeader, 'addedTokens'>): ((text: ChatText) => boolean) | null {
  // Texts are only searched for what begins with an angle bracket.
  if (addedTokens.some((token) => !token.text.startsWith('<'))) return null
  const marks = [...addedTokens.map((token) => token.text), ...templateMarks]
  const finder = createAddedTokenFinder(
    marks.map((mark, id) => ({ id, text: Buffer.from(mark).toString('latin1'), isSpecial: true, isNormalised: false })),
  )
  return ({ bytes, start, end, hasAngle }) => {
    if (mayBeSpace(bytes, start) || endsWithSpace(bytes, end)) return false
    return !hasAngle || finder.find(bytes.toString('latin1', start, end), 0) === null
  }
}

/** True for every character that is stripped or joined to a line break before it, and for some others. */
function mayBeSpace(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at] as number
  if (first < 0x80) return first <= 0x20
  const second = bytes[at + 1] as number
  switch (first) {
    case 0xc2:
      return second === 0x85 || second === 0xa0
    case 0xe1:
      return second === 0x9a || second === 0xa0
    case 0xe2:
      return second === 0x80 || second === 0x81
    case 0xe3:
      return second === 0x80 && bytes[at + 2] === 0x80
    default:
      return first === 0xef && second === 0xbb
  }
}

function endsWithSpace(bytes: Uint8Array, end: number): boolean {
  let start = end - 1
  while (((bytes[start] as number) & 0xc0) === 0x80) start--
  return mayBeSpace(bytes, start)
}

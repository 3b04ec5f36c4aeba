import type { CorpusMessage } from './conversation.ts'

/** What is known about a spoilt row. */
export interface Defect {
  readonly kind: DefectKind
  /** Rule that must find it, and where in the row. */
  readonly rule: string
  readonly pointer: string
}

/** Names of the ways in which rows are spoilt. */
export type DefectKind =
  | 'role-bot'
  | 'last-content-empty'
  | 'assistants-removed'
  | 'content-null'
  | 'json-cut'
  | 'trailing-comma'
  | 'python-literal'
  | 'single-quotes'
  | 'raw-control-character'
  | 'latin-1-byte'
  | 'half-character'
  | 'content-missing'
  | 'weights-zero'

interface SpoiledMessages {
  readonly messages: CorpusMessage[]
  readonly defect: Defect
}

const usualShare = 0.0001
const rareShare = 0.00002
/** Every kind, with the share of rows that it spoils. */
export const defectShares: readonly (readonly [DefectKind, number])[] = [
  ['role-bot', usualShare],
  ['last-content-empty', usualShare],
  ['assistants-removed', usualShare],
  ['content-null', usualShare],
  ['json-cut', usualShare],
  ['trailing-comma', rareShare],
  ['python-literal', rareShare],
  ['single-quotes', rareShare],
  ['raw-control-character', rareShare],
  ['latin-1-byte', rareShare],
  ['half-character', rareShare],
  ['content-missing', rareShare],
  ['weights-zero', rareShare],
]
/** Every row ends like this, whatever its spacing. */
const tail = '"}]}'
const leastCut = 2
const mostCut = 40

/** Draws whether the next row is spoilt, and how. */
export function drawDefect(random: () => number): DefectKind | null {
  let left = random()
  for (const [kind, share] of defectShares) {
    left -= share
    if (left < 0) return kind
  }
  return null
}

/** Spoils what a row says, or names the defect that `spoilLine` will put into its JSON. */
export function spoilMessages(kind: DefectKind, messages: readonly CorpusMessage[]): SpoiledMessages {
  const last = messages.length - 1
  const content = `/messages/${last}/content`
  const withLast = (message: CorpusMessage) => [...messages.slice(0, -1), message]
  switch (kind) {
    case 'role-bot':
      return made(withLast({ ...messages[last], role: 'bot' }), kind, 'role.unknown', `/messages/${last}/role`)
    case 'last-content-empty':
      return made(withLast({ role: 'assistant', content: '' }), kind, 'content.empty', content)
    case 'content-null':
      return made(withLast({ role: 'assistant', content: null }), kind, 'content.type', content)
    case 'content-missing':
      return made(withLast({ role: 'assistant' }), kind, 'field.missing', content)
    case 'assistants-removed':
      return made(
        messages.filter(({ role }) => role !== 'assistant'),
        kind,
        'assistant.missing',
        '/messages',
      )
    case 'weights-zero': {
      const first = messages.findIndex(({ role }) => role === 'assistant')
      const silenced = messages.map((message) => (message.role === 'assistant' ? { ...message, weight: 0 } : message))
      return made(silenced, kind, 'weight.none-trained', `/messages/${first}/weight`)
    }
    case 'json-cut':
      return made([...messages], kind, 'json.truncated', '')
    case 'trailing-comma':
      return made([...messages], kind, 'json.trailing-comma', '')
    case 'python-literal':
      return made([...messages], kind, 'json.python-literal', '')
    case 'single-quotes':
      return made([...messages], kind, 'json.single-quotes', '')
    case 'raw-control-character':
      return made([...messages], kind, 'json.control-character', '')
    case 'latin-1-byte':
      return made([...messages], kind, 'encoding.invalid', '')
    case 'half-character':
      return made([...messages], kind, 'encoding.lone-surrogate', content)
  }
}

/** Spoils the JSON of a row; rows whose defect lies in what they say stay as they are. */
export function spoilLine(kind: DefectKind, line: string, random: () => number): Buffer {
  const body = line.slice(0, -tail.length)
  switch (kind) {
    case 'json-cut': {
      const end = line.length - leastCut - Math.floor(random() * (mostCut - leastCut + 1))
      const unit = line.charCodeAt(end)
      return Buffer.from(line.slice(0, unit >= 0xdc00 && unit < 0xe000 ? end - 1 : end))
    }
    case 'trailing-comma':
      return Buffer.from(`${body}"},]}`)
    case 'python-literal':
      return Buffer.from(`${body}"}], "score": NaN}`)
    case 'single-quotes':
      return Buffer.from(line.replace('"messages"', "'messages'"))
    case 'raw-control-character':
      return Buffer.from(`${body}\t${tail}`)
    case 'latin-1-byte':
      return Buffer.concat([Buffer.from(`${body} caf`), Buffer.of(0xe9), Buffer.from(tail)])
    case 'half-character':
      return Buffer.from(`${body} \\ud83d${tail}`)
    case 'role-bot':
    case 'last-content-empty':
    case 'assistants-removed':
    case 'content-null':
    case 'content-missing':
    case 'weights-zero':
      return Buffer.from(line)
  }
}

function made(messages: CorpusMessage[], kind: DefectKind, rule: string, pointer: string): SpoiledMessages {
  return { messages, defect: { kind, rule, pointer } }
}

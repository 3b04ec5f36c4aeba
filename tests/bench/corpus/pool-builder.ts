import { hash } from 'node:crypto'
import type { PieceSink } from './extract.ts'
import { cleanText } from './extract.ts'
import { code } from './sources.ts'

const leastCharacters = 80
/** Scripts that say more with a character get by with fewer. */
const leastDenseCharacters = 40
const mostCharacters = 3000
/** Short texts, such as messages of a program, are joined until they are about this long. */
const joinedCharacters = 400
const leastBlockLines = 6
const mostBlockLines = 50
/** Longer lines, or longer runs without a space, are packed or generated text. */
const longestCodeLine = 240
const unbroken = /[!-~]{160}/
const denseScript = /[\u3040-\u30FF\u3400-\u9FFF\uAC00-\uD7A3]/

/** Collects unique paragraphs, language by language. */
export interface PoolBuilder extends PieceSink {
  /** Ends the file, so that nothing of it is joined with the next one. */
  endFile(): void
  readonly paragraphs: ReadonlyMap<string, readonly string[]>
}

/** Creates an empty collection; the random numbers decide where programs are cut. */
export function createPoolBuilder(random: () => number): PoolBuilder {
  const seen = new Set<string>()
  const paragraphs = new Map<string, string[]>()
  const pending = new Map<string, string>()

  const isNew = (text: string) => {
    const key = hash('sha1', text, 'base64')
    if (seen.has(key)) return false
    seen.add(key)
    return true
  }
  const add = (language: string, paragraph: string) => {
    const list = paragraphs.get(language)
    if (list === undefined) paragraphs.set(language, [paragraph])
    else list.push(paragraph)
  }
  const flush = (language: string) => {
    const text = pending.get(language) ?? ''
    pending.delete(language)
    if (text.length >= (denseScript.test(text) ? leastDenseCharacters : leastCharacters)) add(language, text)
  }

  return {
    paragraphs,
    addPiece(language, raw) {
      const piece = cleanText(raw).trim()
      if (piece.length < 3 || unbroken.test(piece) || !isNew(piece)) return
      for (const part of inParts(piece)) {
        const before = pending.get(language)
        pending.set(language, before === undefined ? part : `${before}\n${part}`)
        if (part.length >= leastCharacters || (before?.length ?? 0) + part.length > joinedCharacters) flush(language)
      }
    },
    addProgram(raw) {
      const lines = cleanText(raw).split('\n')
      for (let start = 0; start < lines.length;) {
        const end = start + leastBlockLines + Math.floor(random() * (mostBlockLines - leastBlockLines + 1))
        const block = lines.slice(start, end)
        start = end
        if (block.length < leastBlockLines || block.some((line) => line.length > longestCodeLine)) continue
        const text = withoutMargin(block)
        if (text.length >= leastCharacters && text.length <= mostCharacters && isNew(text)) add(code, text)
      }
    },
    endFile() {
      for (const language of pending.keys()) flush(language)
    },
  }
}

/** Cuts what is too long at the last line break or space before the limit. */
function inParts(text: string): string[] {
  const parts: string[] = []
  let rest = text
  while (rest.length > mostCharacters) {
    const line = rest.lastIndexOf('\n', mostCharacters)
    const space = line > mostCharacters / 2 ? line : rest.lastIndexOf(' ', mostCharacters)
    const end = space > mostCharacters / 2 ? space : mostCharacters - (isHighSurrogate(rest, mostCharacters - 1) ? 1 : 0)
    parts.push(rest.slice(0, end).trim())
    rest = rest.slice(end).trim()
  }
  if (rest !== '') parts.push(rest)
  return parts
}

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index)
  return unit >= 0xd800 && unit < 0xdc00
}

/** Takes away the indentation that all lines share, and empty lines around them. */
function withoutMargin(lines: readonly string[]): string {
  let margin = Number.POSITIVE_INFINITY
  for (const line of lines) if (line.trim() !== '') margin = Math.min(margin, line.length - line.trimStart().length)
  return lines
    .map((line) => line.slice(Math.min(margin, line.length)).trimEnd())
    .join('\n')
    .trim()
}

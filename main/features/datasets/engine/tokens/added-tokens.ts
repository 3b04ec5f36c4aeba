import type { VocabularyHeader } from './vocabulary.ts'

type AddedToken = VocabularyHeader['addedTokens'][number]

/** An added token that stands in a text. */
export interface AddedTokenMatch {
  readonly at: number
  readonly end: number
  readonly id: number
}

/** Finds added tokens in text: the leftmost first, of several there the longest. */
export interface AddedTokenFinder {
  find(text: string, from: number): AddedTokenMatch | null
}

interface Node {
  id: number
  readonly children: Map<number, Node>
}

/** Builds the finder; the characters that can begin a token are taken from the tokens themselves. */
export function createAddedTokenFinder(tokens: readonly AddedToken[]): AddedTokenFinder {
  const root: Node = { id: -1, children: new Map() }
  for (const { text, id } of tokens) {
    let node = root
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      const child = node.children.get(unit) ?? { id: -1, children: new Map<number, Node>() }
      node.children.set(unit, child)
      node = child
    }
    node.id = id
  }
  const firsts = [...new Set(tokens.map(({ text }) => text.charAt(0)))]
  const nextCandidate = candidateSearch(firsts)

  const longestAt = (text: string, at: number): AddedTokenMatch | null => {
    let node: Node | undefined = root
    let match: AddedTokenMatch | null = null
    for (let end = at; node !== undefined; end++) {
      if (node.id >= 0) match = { at, end, id: node.id }
      node = end < text.length ? node.children.get(text.charCodeAt(end)) : undefined
    }
    return match
  }

  return {
    find(text, from) {
      for (let at = nextCandidate(text, from); at >= 0; at = nextCandidate(text, at + 1)) {
        const match = longestAt(text, at)
        if (match !== null) return match
      }
      return null
    },
  }
}

/** Position of the next character that can begin a token, or -1. */
function candidateSearch(firsts: readonly string[]): (text: string, from: number) => number {
  const [only] = firsts
  if (only === undefined) return () => -1
  if (firsts.length === 1) return (text, from) => text.indexOf(only, from)
  const pattern = new RegExp(`[${firsts.map((first) => `\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}]`, 'g')
  return (text, from) => {
    pattern.lastIndex = from
    return pattern.exec(text)?.index ?? -1
  }
}

import { findEmails } from './emails.ts'
import { findNumbers, findPassports } from './numbers.ts'
import { findPrivateKeys, findSecrets } from './secrets.ts'
import type { Visit } from './text-edges.ts'
import { allEvidence, evidence, type TextFacts } from './text-pass.ts'

/** A piece of private data in one text. */
export interface TextMatch {
  readonly flag: number
  readonly start: number
  readonly end: number
}

/** What a search needs to know of a text beforehand; the text pass finds it out on its way. */
export type SearchHints = Pick<TextFacts, 'evidence' | 'firstPair' | 'lastPair'>

const none: readonly TextMatch[] = []

/** Hints that rule nothing out, for single texts that no pass has read. */
export function hintsFor(text: string): SearchHints {
  return { evidence: allEvidence, firstPair: 0, lastPair: text.length - 1 }
}

/** All private data in a text, in order and without overlaps; `hints` come from the text pass. */
export function matchPrivate(text: string, hints: SearchHints): readonly TextMatch[] {
  let matches: TextMatch[] | null = null
  const visit: Visit = (flag, start, end) => {
    matches ??= []
    matches.push({ flag, start, end })
  }
  const seen = hints.evidence
  if ((seen & evidence.at) !== 0) findEmails(text, visit)
  if ((seen & evidence.digits) !== 0) {
    findNumbers(text, hints.firstPair, hints.lastPair, visit)
    if ((seen & evidence.markup) !== 0) findPassports(text, visit)
  }
  if ((seen & evidence.dashes) !== 0) findPrivateKeys(text, visit)
  findSecrets(text, visit)
  return matches === null ? none : withoutOverlaps(matches)
}

/** Of findings that overlap the longest stays; of equal ones the first kind. */
function withoutOverlaps(matches: TextMatch[]): readonly TextMatch[] {
  if (matches.length === 1) return matches
  matches.sort((a, b) => a.start - b.start || b.end - a.end || a.flag - b.flag)
  const kept: TextMatch[] = []
  for (const match of matches) {
    const last = kept.at(-1)
    if (last === undefined || match.start >= last.end) kept.push(match)
    else if (match.end - match.start > last.end - last.start) kept[kept.length - 1] = match
  }
  return kept
}

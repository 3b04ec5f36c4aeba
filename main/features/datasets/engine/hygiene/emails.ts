import { flagNumbers } from './flags.ts'
import type { Visit } from './text-edges.ts'

const longestLocalPart = 64
const longestDomain = 253
const dot = 46
const dash = 45
/** Last labels that are file endings: `logo@2x.png` is no address. */
const fileEndings = new Set(
  'png jpg jpeg gif svg webp avif ico bmp js mjs cjs ts tsx jsx css scss less json html htm xml yml yaml md txt pdf py rb java php'.split(
    ' ',
  ),
)
/** Endings that no real address can have (RFC 2606). */
const reservedEndings = new Set(['example', 'invalid', 'test', 'localhost'])

/** Finds e-mail addresses: walks outwards from every @ for a bounded distance. */
export function findEmails(text: string, visit: Visit): void {
  let from = 0
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const start = startOfLocalPart(text, at, from)
    const end = endOfAddress(text, at + 1)
    if (start === at || end === 0 || text.charCodeAt(at - 1) === dot || text.slice(start, at) === 'git') continue
    visit(flagNumbers.email, start, end)
    from = end
  }
}

function startOfLocalPart(text: string, at: number, from: number): number {
  const lowest = Math.max(from, at - longestLocalPart)
  let start = at
  while (start > lowest && isLocalCode(text.charCodeAt(start - 1))) start -= 1
  // Dots, quotes and the like belong to the sentence when they come first.
  while (start < at && !isWordCode(text.charCodeAt(start))) start += 1
  return start
}

/** Index behind the domain, or 0 where no domain follows. */
function endOfAddress(text: string, from: number): number {
  const highest = Math.min(text.length, from + longestDomain)
  let end = from
  while (end < highest && isDomainCode(text.charCodeAt(end))) end += 1
  while (end > from && !isWordCode(text.charCodeAt(end - 1))) end -= 1
  let domain = text.slice(from, end)
  if (domain.includes('..')) domain = domain.slice(0, domain.indexOf('..'))
  // A number or single letter behind the domain belongs to the sentence: "write to a@b.org.I did".
  while (/\.(?:\d*|[a-z])$/i.test(domain)) domain = domain.slice(0, domain.lastIndexOf('.'))
  return isDomain(domain) ? from + domain.length : 0
}

function isDomain(domain: string): boolean {
  const lastDot = domain.lastIndexOf('.')
  if (lastDot <= 0) return false
  const ending = domain.slice(lastDot + 1).toLowerCase()
  if (ending.length < 2 || ending.length > 24 || !/^(?:[a-z]+|xn--[a-z0-9-]+)$/.test(ending)) return false
  return !fileEndings.has(ending) && !reservedEndings.has(ending)
}

/** Letters and digits; letters beyond ASCII may stand in newer addresses. */
function isWordCode(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    (code >= 0xc0 && code <= 0x24f) ||
    code === 95
  )
}

/** Letters, digits and . + - %; rarer signs are more often punctuation of the text around. */
function isLocalCode(code: number): boolean {
  return isWordCode(code) || code === dot || code === 43 || code === dash || code === 37
}

function isDomainCode(code: number): boolean {
  return isWordCode(code) || code === dot || code === dash
}

import type { TextFacts } from './text-pass.ts'
import { evidence } from './text-pass.ts'
import { flagNumbers } from './flags.ts'
import { hasLinesTwice, repeatsItself, symbolicFrom } from './repetition.ts'
import { scriptNumbers } from './scripts-of-text.ts'

/** Opening stretch in which stock refusals stand. */
const openingLength = 400
const refusal = new RegExp(
  [
    'as an? (?:ai|large)?[ -]?(?:language model|ai assistant|ai model|artificial intelligence)',
    'as an ai\\b',
    "i(?:'m| am) (?:just |only )?an ai (?:language )?(?:model|assistant)",
    "i(?:'m| am) sorry,? (?:but )?i (?:can't|cannot|can not|am unable|am not able|won't)",
    "i (?:can't|cannot|can not|am unable to|am not able to) (?:assist|help you with|help with|fulfill|comply|provide|engage)",
    "i(?:'m| am) (?:unable|not able) to (?:assist|help|fulfill|comply|provide)",
    'als (?:ein )?ki-(?:sprach)?modell',
    "en tant que? ?(?:modèle de langage|qu'ia)",
    'como (?:un |um )?modelo de (?:lenguaje|linguagem)',
    'come modello linguistico',
    'как (?:языковая модель|искусственный интеллект)',
    '作为(?:一个|一名|一款)?(?:ai|人工智能|语言模型)',
    '申し訳ありませんが、(?:その|この)',
  ]
    .join('|')
    .replaceAll("'", "['\u2019]"),
  'i',
)
const htmlRest =
  /<\/?(?:p|br|hr|div|span|font|center|table|tr|td|th|ul|ol|li|a|b|i|u|em|strong|img|h[1-6]|script|style|body|html|head|sup|sub|blockquote)(?:\s[^<>]{0,300})?\/?>|&(?:nbsp|amp|quot|lt|gt|apos|mdash|ndash|hellip|#\d{2,5}|#x[0-9a-f]{2,4});/i
const fencedCode = /(?:^|\n)[ \t>]{0,12}(`{3}|~{3})[^]*?(?:\1|$)/g
const inlineCode = /`[^`\n]+`/g
/** What the bytes 80–BF of UTF-8 become in Windows-1252. */
const continuation =
  '[\\u0080-\\u00bf\\u0152\\u0153\\u0160\\u0161\\u0178\\u017d\\u017e\\u0192\\u02c6\\u02dc\\u2013\\u2014\\u2018-\\u201e\\u2020-\\u2022\\u2026\\u2030\\u2039\\u203a\\u20ac\\u2122]'
const garbled = new RegExp(
  `\\ufffd|\\u00c3${continuation}|\\u00c2[\\u00a0-\\u00bf]|\\u00e2[\\u20ac\\u0080-\\u0086]${continuation}|\\u00ef\\u00bb\\u00bf|\\u00f0\\u0178${continuation}|(?:[\\u00d0\\u00d1]${continuation}){2}`,
)
const fenceLine = /^[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(`{3,}|~{3,})(.*)$/
/** Languages that end sentences without a sign. */
const unpunctuated: ReadonlySet<number> = new Set([
  scriptNumbers.thai,
  scriptNumbers.lao,
  scriptNumbers.khmer,
  scriptNumbers.burmese,
  scriptNumbers.tibetan,
])

/** Quality flags of any text the model learns to write, except those that need the rest of the row. */
export function textQualityFlags(text: string, facts: TextFacts): number {
  let flags = 0
  if ((facts.evidence & evidence.garbled) !== 0 && garbled.test(text)) flags |= 1 << flagNumbers.mojibake
  const hasFences = (facts.evidence & evidence.fence) !== 0
  if (hasFences && leavesFenceOpen(text)) flags |= 1 << flagNumbers.codeFence
  if ((facts.evidence & evidence.markup) !== 0 && htmlRest.test(text) && (!hasFences || htmlRest.test(withoutCode(text)))) {
    flags |= 1 << flagNumbers.html
  }
  if (facts.visible >= 80 && facts.symbols > facts.visible * 0.4) flags |= 1 << flagNumbers.symbols
  if (facts.visible >= 150 && (mayRepeat(facts) || hasLinesTwice(text)) && repeatsItself(text, facts.symbols / facts.visible))
    flags |= 1 << flagNumbers.repetition
  return flags
}

/** Spares most texts the slow count: few of the sampled stretches occurred twice. */
function mayRepeat({ samples, repeatedSamples, symbols, visible, length }: TextFacts): boolean {
  // Text of one character over and over is hardly sampled.
  if (samples * 200 < length) return true
  const least = symbols > visible * symbolicFrom ? 0.2 : 0.07
  return repeatedSamples > 2 && repeatedSamples > samples * least
}

/** True when the answer opens with a stock refusal. */
export function isRefusal(answer: string): boolean {
  return refusal.test(answer.slice(0, openingLength))
}

/** True for answers of a few characters, which teach form but hardly content. */
export function isVeryShort(facts: TextFacts): boolean {
  return facts.visible < 10 && facts.nonAscii < 4
}

/** True when a longer answer stops in the middle of a sentence although the ones before it end with a sign. */
export function endsMidSentence(answer: string, facts: TextFacts, script: number): boolean {
  if (facts.visible < 150 || unpunctuated.has(script)) return false
  const tail = answer.slice(-400).trimEnd()
  if (!/[\p{L}\p{N},]$/u.test(tail)) return false
  const lastLine = tail.slice(tail.lastIndexOf('\n') + 1)
  // Headings, list items, signatures, code and tables end without a full stop as well.
  if (lastLine.length < (facts.nonAscii > facts.visible / 2 ? 25 : 60)) return false
  if (/^(?:\t| {4}|\s*(?:[-*+>|#]|\d{1,3}[.)])\s)|[{};|]|:\/\/\S*$/.test(lastLine)) return false
  return /[.!?。！？।؟…]["'”’»)]?(?:\s|$|[\u3000-\uffef])/.test(answer.slice(0, -1))
}

function leavesFenceOpen(text: string): boolean {
  let open = ''
  let ticks = text.indexOf('```')
  let tildes = text.indexOf('~~~')
  while (ticks >= 0 || tildes >= 0) {
    const at = tildes < 0 || (ticks >= 0 && ticks < tildes) ? ticks : tildes
    const lineStart = text.lastIndexOf('\n', at) + 1
    const newline = text.indexOf('\n', at)
    const lineEnd = newline < 0 ? text.length : newline
    // A fence is the first thing on its line; anything else is inline code.
    const found = at - lineStart > 24 ? null : fenceLine.exec(text.slice(lineStart, Math.min(lineEnd, at + 200)))
    const mark = found?.[1] ?? ''
    const rest = found?.[2] ?? ''
    if (mark !== '') {
      if (open === '') open = mark.startsWith('`') && rest.includes('`') ? '' : mark
      else if (mark.startsWith(open) && rest.trim() === '') open = ''
    }
    if (ticks >= 0 && ticks < lineEnd) ticks = text.indexOf('```', lineEnd)
    if (tildes >= 0 && tildes < lineEnd) tildes = text.indexOf('~~~', lineEnd)
  }
  return open !== ''
}

function withoutCode(text: string): string {
  return text.replaceAll(fencedCode, '\n').replaceAll(inlineCode, ' ')
}

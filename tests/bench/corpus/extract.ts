/** What a file of a package holds. */
export type TextKind = 'text' | 'mail' | 'markdown' | 'comments' | 'program' | 'strings' | 'literals' | 'verses' | 'glosses' | 'html'

/** Where the text of a file goes. */
export interface PieceSink {
  /** A piece of prose; short ones are joined with those that follow. */
  addPiece(language: string, piece: string): void
  /** Lines of a program, cut into blocks. */
  addProgram(text: string): void
}

/** Messages and verses are one line each, so that they are joined line by line. */
const fence = /^[ \t]*(?:```|~~~).*$/m
const comment = /\/\*\*([\s\S]*?)\*\//g
const commentMargin = /^[ \t]*\*+ ?/gm
const stringLiteral = /"(?:[^"\\\n]|\\.)*"/g
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\n', t: '\t', b: '', f: '' }
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', '#39': "'" }

/** Takes the text that people wrote out of one file. */
export function extractText(kind: TextKind, text: string, language: string, sink: PieceSink): void {
  switch (kind) {
    case 'text':
      return addProse(text, language, sink)
    case 'mail':
      return addProse(/<html|<body|<table/i.test(text) ? withoutTags(text) : text, language, sink)
    case 'markdown':
      return addMarkdown(text.replace(/^---\n[\s\S]*?\n---\n/, ''), language, sink)
    case 'comments':
      for (const [, body = ''] of text.matchAll(comment)) addMarkdown(withoutTags(body.replace(commentMargin, '')), language, sink)
      return
    case 'program':
      return sink.addProgram(text)
    case 'strings':
      return addStrings(JSON.parse(text), language, sink)
    case 'literals':
      for (const [literal] of text.matchAll(stringLiteral)) addStrings(readLiteral(literal), language, sink)
      return
    case 'verses':
      return addVerses(JSON.parse(text), language, sink)
    case 'glosses':
      for (const line of text.split('\n')) {
        const gloss = line.split(' | ')[1]
        if (gloss !== undefined) sink.addPiece(language, gloss.trim())
      }
      return
    case 'html':
      return addProse(withoutTags(text.replace(/<head>[\s\S]*?<\/head>/, '')), language, sink)
  }
}

function addProse(text: string, language: string, sink: PieceSink): void {
  for (const piece of text.split(/\n[ \t]*\n/)) sink.addPiece(language, piece.trim())
}

/** Every second part between fences is program text; in translations it is the same as in the original. */
function addMarkdown(text: string, language: string, sink: PieceSink): void {
  const parts = text.split(fence)
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index] ?? ''
    if (index % 2 === 0) addProse(part, language, sink)
    else sink.addProgram(part.replace(/^\n/, ''))
  }
}

function addStrings(value: unknown, language: string, sink: PieceSink): void {
  if (typeof value === 'string') {
    // Without a space it is a key, a link or a name.
    if (value.length > 12 && !/^\S+$/.test(value.replace(/\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}/gu, ' ')))
      sink.addPiece(language, withoutTags(value).trim())
  } else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) addStrings(item, language, sink)
  }
}

function readLiteral(literal: string): string {
  return literal.slice(1, -1).replace(/\\(?:u([0-9a-f]{4})|(.))/gi, (_, unit: string | undefined, char: string) => {
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16))
    return escapes[char] ?? char
  })
}

function addVerses(chapters: unknown, language: string, sink: PieceSink): void {
  if (!Array.isArray(chapters)) return
  for (const chapter of chapters as { verses: { text: string; translation?: string }[] }[]) {
    for (const verse of chapter.verses) {
      sink.addPiece('ar', verse.text)
      if (verse.translation !== undefined) sink.addPiece(language, verse.translation)
    }
  }
}

function withoutTags(text: string): string {
  if (!text.includes('<') && !text.includes('&')) return text
  return text
    .replace(/<(?:script|style)[\s\S]*?<\/(?:script|style)>/gi, '')
    .replace(/<\/?(?:p|h[1-6]|div|li|ul|ol|tr|table|br|dl|dt|dd|header|article)\b[^>]*>/gi, '\n\n')
    .replace(/<\/?[a-z][^<>]*>/gi, '')
    .replace(/&(amp|lt|gt|quot|apos|nbsp|#39);/g, (entity, name: string) => entities[name] ?? entity)
}

/** Leaves no character that a plain text would not hold. */
export function cleanText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n\t]|\uFFFD|\uFEFF/gu, '')
}

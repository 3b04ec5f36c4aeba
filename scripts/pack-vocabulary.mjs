import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { characterClasses } from './character-classes.mjs'
import { stepError } from './step-error.mjs'

/** First bytes of a packed vocabulary; its last two digits are the version of the layout. */
export const MAGIC = 'TSVOC001'

/** Stands for a space in SentencePiece vocabularies. */
const WORD_MARK = '\u2581'

/** Printable character of the byte-level alphabet → byte: printable bytes stand for themselves, the rest moved to U+0100 and up. */
function byteAlphabet() {
  const bytes = new Map()
  let moved = 0
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    bytes.set(String.fromCodePoint(isPrintable ? byte : 0x100 + moved++), byte)
  }
  return bytes
}

function byteLevelBytes(text, alphabet) {
  const bytes = Buffer.alloc(text.length)
  let length = 0
  for (const character of text) {
    const byte = alphabet.get(character)
    if (byte === undefined) return null
    bytes[length++] = byte
  }
  return bytes.subarray(0, length)
}

function sentencePieceBytes(text) {
  const fallback = /^<0x([0-9A-F]{2})>$/.exec(text)
  if (fallback !== null) return Buffer.from([Number.parseInt(fallback[1], 16)])
  return Buffer.from(text.replaceAll(WORD_MARK, ' '), 'utf8')
}

/** Every id's bytes, one after another, with the place where each begins; ids without a token have no bytes. */
function tokenTable(tokenizer, isSentencePiece) {
  const alphabet = byteAlphabet()
  const bytesOfAdded = isSentencePiece ? sentencePieceBytes : (text) => Buffer.from(text, 'utf8')
  const added = new Map(tokenizer.added_tokens.map((token) => [token.content, token.id]))
  const entries = Object.entries(tokenizer.model.vocab)
  const last = [...entries.map(([, id]) => id), ...added.values()].reduce((highest, id) => Math.max(highest, id), 0)
  const tokens = Array.from({ length: last + 1 }, () => Buffer.alloc(0))
  for (const [text, id] of entries) {
    if (added.has(text)) continue
    const bytes = isSentencePiece ? sentencePieceBytes(text) : byteLevelBytes(text, alphabet)
    if (bytes === null) throw stepError(`The vocabulary's token ${id} is not in the byte alphabet; this file cannot be packed.`)
    tokens[id] = bytes
  }
  for (const [text, id] of added) tokens[id] = bytesOfAdded(text)
  const offsets = new Uint32Array(tokens.length + 1)
  for (let id = 0; id < tokens.length; id++) offsets[id + 1] = offsets[id] + tokens[id].length
  return { offsets, bytes: Buffer.concat(tokens) }
}

function mergeTable(tokenizer) {
  const { vocab, merges } = tokenizer.model
  const table = new Uint32Array(merges.length * 3)
  for (const [rank, merge] of merges.entries()) {
    const [left, right] = Array.isArray(merge) ? merge : merge.split(' ')
    const ids = [vocab[left], vocab[right], vocab[left + right]]
    if (ids.includes(undefined))
      throw stepError(`Merge ${rank} names a token that the vocabulary does not hold; this file cannot be packed.`)
    table.set(ids, rank * 3)
  }
  return table
}

/** Byte → id of the token that stands for this byte alone; -1 where there is none, and then the tokeniser drops the byte. */
function byteIds(tokenizer, isSentencePiece) {
  const ids = new Int32Array(256)
  const { vocab } = tokenizer.model
  if (tokenizer.model.unk_token !== null && !isSentencePiece)
    throw stepError('Byte-level vocabularies with an unknown token cannot be packed.')
  const characters = [...byteAlphabet().entries()].map(([character, byte]) => [
    isSentencePiece ? `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>` : character,
    byte,
  ])
  for (const [text, byte] of characters) {
    ids[byte] = vocab[text] ?? -1
  }
  return ids
}

/** Code point and id of every token that is one character, for vocabularies that begin with characters. */
function characterIds(tokenizer) {
  const pairs = Object.entries(tokenizer.model.vocab)
    .filter(([text]) => text.length <= 2 && text.codePointAt(0) !== undefined && String.fromCodePoint(text.codePointAt(0)) === text)
    .map(([text, id]) => [text.codePointAt(0), id])
  return new Uint32Array(pairs.flat())
}

/** Pairs of code points that meet in some merge; elsewhere no token can span two characters. A word mark counts as a space. */
function junctions(tokenizer) {
  const seen = new Set()
  for (const merge of tokenizer.model.merges) {
    const [left, right] = (Array.isArray(merge) ? merge : merge.split(' ')).map((text) => text.replaceAll(WORD_MARK, ' '))
    seen.add([...left].at(-1).codePointAt(0) * 0x200000 + right.codePointAt(0))
  }
  return new Uint32Array([...seen].flatMap((pair) => [Math.floor(pair / 0x200000), pair % 0x200000]))
}

function addedTokens(tokenizer) {
  return tokenizer.added_tokens.map(({ id, content, special, normalized, lstrip, rstrip, single_word: singleWord }) => {
    if (lstrip || rstrip || singleWord)
      throw stepError(`The added token ${content} strips its neighbours, which the packed format cannot say.`)
    return { id, text: content, isSpecial: special, isNormalised: normalized }
  })
}

function normaliserOf(tokenizer) {
  const { normalizer } = tokenizer
  if (normalizer === null || (normalizer.type === 'Sequence' && normalizer.normalizers.length === 0)) return 'none'
  if (normalizer.type === 'NFC') return 'nfc'
  if (normalizer.type === 'Replace' && normalizer.pattern.String === ' ' && normalizer.content === WORD_MARK) return 'spaces'
  throw stepError(`The normaliser ${JSON.stringify(normalizer)} is unknown to the packed format.`)
}

function splitPatterns(tokenizer) {
  const list = tokenizer.pre_tokenizer.pretokenizers ?? [tokenizer.pre_tokenizer]
  return list.map((part) => part.pattern?.Regex ?? part.pattern?.String ?? `${part.type}:${part.use_regex ?? part.individual_digits}`)
}

function tokenText(token) {
  return typeof token === 'string' ? token : (token?.content ?? null)
}

/** Packs one `tokenizer.json` with its chat template into a self-contained file; `scanner` names the code that knows its split. */
export function packVocabulary({ family, scanner, patterns, digits = 1, keepsContractions = false }, tokenizerText, config) {
  const tokenizer = JSON.parse(tokenizerText)
  const found = splitPatterns(tokenizer)
  if (JSON.stringify(found) !== JSON.stringify(patterns)) {
    throw stepError(`The split of ${family} is not the one its scanner was written for: ${JSON.stringify(found)}`)
  }
  const isSentencePiece = scanner === 'junctions'
  const tokens = tokenTable(tokenizer, isSentencePiece)
  const sections = {
    tokenOffsets: tokens.offsets,
    merges: mergeTable(tokenizer),
    byteIds: byteIds(tokenizer, isSentencePiece),
    tokenBytes: tokens.bytes,
    classes: isSentencePiece ? new Uint8Array(0) : characterClasses(),
    characters: isSentencePiece ? characterIds(tokenizer) : new Uint32Array(0),
    junctions: isSentencePiece ? junctions(tokenizer) : new Uint32Array(0),
  }
  const header = {
    family,
    sourceSha256: createHash('sha256').update(tokenizerText).digest('hex'),
    unicode: process.versions.unicode,
    scanner,
    digits,
    keepsContractions,
    normaliser: normaliserOf(tokenizer),
    ignoresMerges: tokenizer.model.ignore_merges === true,
    tokens: tokens.offsets.length - 1,
    mergeCount: sections.merges.length / 3,
    addedTokens: addedTokens(tokenizer),
    chatTemplate: config.chat_template ?? null,
    bosToken: tokenText(config.bos_token),
    eosToken: tokenText(config.eos_token),
    sections: {},
  }
  return gzipSync(joinSections(header, sections), { level: 9 })
}

/** Magic, length of the header, header, then the sections, each at a multiple of eight bytes from the first one. */
function joinSections(header, sections) {
  const parts = []
  let at = 0
  for (const [name, array] of Object.entries(sections)) {
    const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength)
    header.sections[name] = { at, bytes: bytes.length }
    const padding = Buffer.alloc(-bytes.length & 7)
    parts.push(bytes, padding)
    at += bytes.length + padding.length
  }
  const text = Buffer.from(JSON.stringify(header), 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([Buffer.from(MAGIC, 'latin1'), length, text, ...parts])
}

import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'
import { z } from 'zod'
import { AppError } from '../../../../../preload/contract/errors.ts'
import type { Tokenizer } from '../row-model.ts'

const shapeSchema = z.looseObject({ model: z.looseObject({ type: z.string() }) })

/** How a byte without a character of its own is written in SentencePiece vocabularies. */
const byteToken = /^<0x([0-9A-F]{2})>$/

/** Exact counts with any `tokenizer.json`, for models whose vocabulary is not shipped; about fifty times slower. */
export function createLibraryTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown): Tokenizer {
  const json = shapeSchema.safeParse(tokenizerJson)
  if (!json.success) {
    throw new AppError('MODEL_FOLDER_INVALID', 'The tokenizer.json of this model cannot be read. Choose another model folder.')
  }
  const library = open(json.data, z.record(z.string(), z.unknown()).catch({}).parse(tokenizerConfig))
  const added = library.get_added_tokens_decoder()
  const encode = (text: string): number[] => (text === '' ? [] : library.encode(text, { add_special_tokens: false }).ids)
  const isByteLevel = JSON.stringify(json.data['decoder'] ?? null).includes('"ByteLevel"')
  const alphabet = byteAlphabet()

  const bytesOf = (id: number): Uint8Array => {
    const text = library.id_to_token(id) ?? ''
    if (added.has(id)) return Buffer.from(text, 'utf8')
    if (isByteLevel) return Uint8Array.from(text, (character) => alphabet.get(character) ?? 0x3f)
    const byte = byteToken.exec(text)?.[1]
    return byte === undefined ? Buffer.from(text.replaceAll('\u2581', ' '), 'utf8') : Uint8Array.of(Number.parseInt(byte, 16))
  }
  return {
    family: json.data.model.type,
    count: (text) => encode(text).length,
    encode,
    bytesOf,
    isSpecial: (id) => added.get(id)?.special ?? false,
  }
}

function open(json: object, config: object): LibraryTokenizer {
  try {
    return new LibraryTokenizer(json, config)
  } catch (cause) {
    throw new AppError(
      'MODEL_FOLDER_INVALID',
      'The tokenizer.json of this model is of a kind that cannot be read yet. Choose another model.',
      {
        cause,
      },
    )
  }
}

/** Printable character of the byte-level alphabet → byte. */
function byteAlphabet(): Map<string, number> {
  const bytes = new Map<string, number>()
  let moved = 0
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    bytes.set(String.fromCodePoint(isPrintable ? byte : 0x100 + moved++), byte)
  }
  return bytes
}

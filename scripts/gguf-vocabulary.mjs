import { open } from 'node:fs/promises'
import { stepError } from './step-error.mjs'

const HEADER_BYTES = 8_000_000
const STRING = 8
const ARRAY = 9

/** Fixed-size value types of a GGUF file: number → bytes and how to read them. */
const scalars = new Map([
  [0, [1, (data, at) => data.readUInt8(at)]],
  [1, [1, (data, at) => data.readInt8(at)]],
  [2, [2, (data, at) => data.readUInt16LE(at)]],
  [3, [2, (data, at) => data.readInt16LE(at)]],
  [4, [4, (data, at) => data.readUInt32LE(at)]],
  [5, [4, (data, at) => data.readInt32LE(at)]],
  [6, [4, (data, at) => data.readFloatLE(at)]],
  [7, [1, (data, at) => data.readUInt8(at) === 1]],
  [10, [8, (data, at) => Number(data.readBigUInt64LE(at))]],
  [11, [8, (data, at) => Number(data.readBigInt64LE(at))]],
  [12, [8, (data, at) => data.readDoubleLE(at)]],
])

function createReader(data) {
  let at = 4
  const scalar = (type) => {
    const [size, read] = scalars.get(type) ?? []
    if (size === undefined) throw stepError('The model file holds a value of unknown type; its vocabulary cannot be read.')
    at += size
    return read(data, at - size)
  }
  const text = () => {
    const length = scalar(10)
    at += length
    return data.toString('utf8', at - length, at)
  }
  const value = (type) => {
    if (type === STRING) return text()
    if (type !== ARRAY) return scalar(type)
    const of = scalar(4)
    return Array.from({ length: scalar(10) }, () => value(of))
  }
  return { scalar, text, value }
}

/** Metadata of a GGUF file by name. */
async function readMetadata(file) {
  const handle = await open(file)
  try {
    const data = Buffer.alloc(HEADER_BYTES)
    await handle.read(data, 0, data.length, 0)
    if (data.toString('latin1', 0, 4) !== 'GGUF') throw stepError(`${file} is not a GGUF model file.`)
    const reader = createReader(data)
    reader.scalar(4)
    reader.scalar(10)
    const count = reader.scalar(10)
    return new Map(Array.from({ length: count }, () => [reader.text(), reader.value(reader.scalar(4))]))
  } finally {
    await handle.close()
  }
}

const CONTROL = 3

/** The tokenizer of a SmolLM2 model file, in the form of the `tokenizer.json` and `tokenizer_config.json` it was made from. */
export async function ggufTokenizer(file) {
  const metadata = await readMetadata(file)
  const split = metadata.get('tokenizer.ggml.pre')
  if (split !== 'smollm')
    throw stepError(`The model file's text split is ${split}, where smollm was expected; its vocabulary cannot be used.`)
  const tokens = metadata.get('tokenizer.ggml.tokens')
  const types = metadata.get('tokenizer.ggml.token_type')
  const added = tokens
    .map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }))
    .filter(({ id }) => types[id] === CONTROL)
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel] },
    post_processor: null,
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: metadata.get('tokenizer.ggml.merges'),
    },
  }
  const config = {
    chat_template: metadata.get('tokenizer.chat_template'),
    bos_token: tokens[metadata.get('tokenizer.ggml.bos_token_id')],
    eos_token: tokens[metadata.get('tokenizer.ggml.eos_token_id')],
  }
  return { tokenizerText: JSON.stringify(tokenizer), config }
}

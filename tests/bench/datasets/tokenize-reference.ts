import { Tokenizer } from '@anush008/tokenizers'
import { sampleTexts } from './sample-texts.ts'

const batchTexts = 256

/** Counts the tokens of a sample with Hugging Face's library on all cores: `node tokenize-reference.ts TOKENIZER CORPUS BYTES`. */
const [tokenizerPath = '', corpus = '', bytes = '0'] = process.argv.slice(2)
const texts = await sampleTexts(corpus, Number(bytes))
const tokenizer = Tokenizer.fromFile(tokenizerPath)
const startMs = performance.now()
let tokens = 0
for (let from = 0; from < texts.length; from += batchTexts) {
  const encodings = await tokenizer.encodeBatch(texts.slice(from, from + batchTexts), { addSpecialTokens: false })
  for (const encoding of encodings) tokens += encoding.getLength()
}
console.log(JSON.stringify({ ms: performance.now() - startMs, tokens, texts: texts.length }))

import { createTokenizer } from '../../../main/features/datasets/engine/tokens/byte-bpe.ts'
import { loadVocabulary } from '../../../main/features/datasets/engine/tokens/vocabulary.ts'
import { sampleTexts } from './sample-texts.ts'

/** Counts the tokens of a sample on one thread: `node tokenize-own.ts VOCABULARY CORPUS BYTES`. */
const [vocabularyPath = '', corpus = '', bytes = '0'] = process.argv.slice(2)
const texts = await sampleTexts(corpus, Number(bytes))
const tokenizer = createTokenizer(await loadVocabulary(vocabularyPath))
const startMs = performance.now()
let tokens = 0
for (const text of texts) tokens += tokenizer.count(text)
console.log(JSON.stringify({ ms: performance.now() - startMs, tokens, texts: texts.length }))

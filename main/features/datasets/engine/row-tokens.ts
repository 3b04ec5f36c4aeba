import { createRowTokens, type TemplateTokens, type TokenRoute } from './templates/row-tokens.ts'
import { createTokenizer } from './tokens/byte-bpe.ts'
import type { VocabularyData } from './tokens/vocabulary.ts'

/** Joins a vocabulary with the chat template that it carries. */
export function openRowTokens(vocabulary: VocabularyData, route: TokenRoute = 'fast'): TemplateTokens {
  const { family, chatTemplate, bosToken, eosToken } = vocabulary.header
  const tokens = createRowTokens({
    templateText: chatTemplate ?? '',
    specialTokens: { bos: bosToken, eos: eosToken },
    family,
    tokenizer: createTokenizer(vocabulary),
  })
  if (route === 'jinja') tokens.useJinja()
  return tokens
}

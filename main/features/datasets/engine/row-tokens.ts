import { createRowTokens, type TemplateTokens, type TokenRoute } from './templates/row-tokens.ts'
import { createTokenizer } from './tokens/byte-bpe.ts'
import { parseTokenizerFile, readFolderTokenizer, type FolderTokenizer } from './tokens/folder-tokenizer.ts'
import { createLibraryTokenizer } from './tokens/library-tokenizer.ts'
import { loadVocabulary, type VocabularyData } from './tokens/vocabulary.ts'

/** Where the tokenizer of a base model is found: packed with the app, or in a model's folder. */
export interface TokenizerPlace {
  readonly kind: 'packed' | 'folder'
  readonly path: string
}

/** A tokenizer and its template as they are given to threads. */
export type TokenSource = { readonly kind: 'packed'; readonly vocabulary: VocabularyData } | FolderTokenizer

/** Reads a tokenizer from where it is found. */
export async function loadTokenSource({ kind, path }: TokenizerPlace): Promise<TokenSource> {
  return kind === 'packed' ? { kind, vocabulary: await loadVocabulary(path) } : readFolderTokenizer(path)
}

/** What counts depend on, for naming them. */
export function tokenSourceName(source: TokenSource): string {
  if (source.kind === 'folder') return `folder:${source.sha256}`
  const { family, sourceSha256 } = source.vocabulary.header
  return `${family}:${sourceSha256}`
}

/** Joins a tokenizer with the chat template that comes with it. */
export function openRowTokens(source: TokenSource, route: TokenRoute = 'fast'): TemplateTokens {
  const tokens = source.kind === 'packed' ? openPacked(source.vocabulary) : openFolder(source)
  if (route === 'jinja') tokens.useJinja()
  return tokens
}

function openPacked(vocabulary: VocabularyData): TemplateTokens {
  const { family, chatTemplate, bosToken, eosToken } = vocabulary.header
  const specialTokens = { bos: bosToken, eos: eosToken }
  return createRowTokens({ templateText: chatTemplate ?? '', specialTokens, family, tokenizer: createTokenizer(vocabulary) })
}

function openFolder({ tokenizerJson, tokenizerConfig, chatTemplate, bosToken, eosToken }: FolderTokenizer): TemplateTokens {
  const tokenizer = createLibraryTokenizer(parseTokenizerFile(tokenizerJson), parseTokenizerFile(tokenizerConfig))
  return createRowTokens({
    templateText: chatTemplate,
    specialTokens: { bos: bosToken, eos: eosToken },
    family: tokenizer.family,
    tokenizer,
  })
}

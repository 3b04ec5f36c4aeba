import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as ReferenceTokenizer } from '@anush008/tokenizers'

const root = new URL('../../../../../../', import.meta.url).pathname

/** Every family whose vocabulary is shipped. */
export const families = ['qwen3', 'qwen2_5', 'llama3', 'smollm2', 'deepseek_v3', 'gpt_oss', 'tekken', 'gemma3'] as const

/** The packed file of a family. */
export function packedPath(family: string): string {
  return required(join(root, 'out', 'vocabularies', `${family}.vocabulary`))
}

/** The file that a family was packed from. */
export function sourcePath(family: string, name: 'tokenizer.json' | 'tokenizer_config.json'): string {
  return required(join(root, 'out', 'test', 'vocabulary-sources', family, name))
}

function required(path: string): string {
  if (!existsSync(path)) throw new Error(`${path} is missing; the set-up step "Vocabularies" makes it.`)
  return path
}

/** Ids of many texts by the reference implementation, without automatic start and end tokens. */
export async function referenceIds(family: string, texts: readonly string[]): Promise<number[][]> {
  const reference = ReferenceTokenizer.fromFile(sourcePath(family, 'tokenizer.json'))
  const ids: number[][] = []
  for (let at = 0; at < texts.length; at += 256) {
    const encodings = await reference.encodeBatch(texts.slice(at, at + 256), { addSpecialTokens: false })
    for (const encoding of encodings) ids.push(encoding.getIds())
  }
  return ids
}

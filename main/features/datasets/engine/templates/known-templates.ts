import { createHash } from 'node:crypto'
import { createChatMl } from './fast/chatml.ts'
import { writeDeepSeek } from './fast/deepseek.ts'
import type { FastPath } from './fast/fast-path.ts'
import { writeGemma3 } from './fast/gemma3.ts'
import { writeHarmony } from './fast/harmony.ts'
import { writeDatedLlama3, writeLlama3 } from './fast/llama3.ts'
import { writeMistral } from './fast/mistral.ts'
import { writeQwen3 } from './fast/qwen3.ts'

/** SHA-256 of each template text that a fast path was compiled from. */
const fastPaths: ReadonlyMap<string, FastPath> = new Map([
  [
    'cd8e9439f0570856fd70470bf8889ebd8b5d1107207f67a5efb46e342330527f',
    createChatMl('You are Qwen, created by Alibaba Cloud. You are a helpful assistant.'),
  ],
  [
    '872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788',
    createChatMl('You are a helpful AI assistant named SmolLM, trained by Hugging Face'),
  ],
  ['87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5', writeQwen3],
  ['ba03a121d097859c7b5b9cd03af99aafe95275210d2876f642ad9929a150f122', writeLlama3],
  ['5816fce10444e03c2e9ee1ef8a4a1ea61ae7e69e438613f3b17b69d0426223a4', writeDatedLlama3],
  ['7de1c58e208eda46e9c7f86397df37ec49883aeece39fb961e0a6b24088dd3c4', writeGemma3],
  ['3b8267e54b67df6500f231ffa969955cc9d26b3444a291ced4eb96ca7d3ca1ea', writeDeepSeek],
  ['7a29791b46bd731f43fbe4994f23c7b689daaa36c4d0294485fab19825a2ec5d', writeMistral],
])

/** How rows of a model are rendered. */
export interface TemplateChoice {
  /** Null where only Jinja will do. */
  readonly fastPath: FastPath | null
  /** False when the model's files carry no template, so that nothing but the fast path exists. */
  readonly hasJinja: boolean
}

/** The fast path of a template whose exact text it was compiled from; any other text is left to Jinja. */
export function templateOf(family: string, templateText: string): TemplateChoice {
  if (templateText.trim() === '') return { fastPath: isHarmony(family) ? writeHarmony : null, hasJinja: false }
  const sha256 = createHash('sha256').update(templateText).digest('hex')
  return { fastPath: fastPaths.get(sha256) ?? null, hasJinja: true }
}

/** The files that gpt-oss is shipped in here carry its vocabulary without its template. */
function isHarmony(family: string): boolean {
  return /^gpt[-_]?oss/.test(family)
}

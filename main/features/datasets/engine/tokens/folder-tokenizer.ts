import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../../../../../preload/contract/errors.ts'

/** The tokenizer files of a model's folder, as text, so that threads can be given them. */
export interface FolderTokenizer {
  readonly kind: 'folder'
  readonly tokenizerJson: string
  readonly tokenizerConfig: string
  readonly chatTemplate: string
  readonly bosToken: string | null
  readonly eosToken: string | null
  /** Over all that decides the counts. */
  readonly sha256: string
}

const maxFileBytes = 128 * 1024 * 1024
const tokenSchema = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .nullish()
  .catch(null)
const configSchema = z.looseObject({
  bos_token: tokenSchema,
  eos_token: tokenSchema,
  chat_template: z
    .union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))])
    .nullish()
    .catch(null),
})

const chatMlTokens = ['<|im_start|>', '<|im_end|>'] as const
const tools = (open: string, close: string) =>
  `{% if tools %}{{ '${open}' }}{% for tool in tools %}{{ tool | tojson + '\n' }}{% endfor %}{{ '${close}' }}{% endif %}`
const calls =
  "{% for call in message['tool_calls'] or [] %}{{ '' if loop.first and not message['content'] else '\n' }}" +
  "{{ '<tool_call>\n' + (call['function'] or call) | tojson + '\n</tool_call>' }}{% endfor %}"

/** What the trainer gives base models without a template of their own; both sides write them alike. */
export const trainerTemplates = {
  plain:
    tools('### tools\n', '\n') +
    "{% for message in messages %}{{ '### ' + message['role'] + '\n' + message['content'] }}" +
    calls +
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n\n' }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '### assistant\n' }}{% endif %}",
  chatMl:
    tools('<|im_start|>tools\n', '<|im_end|>\n') +
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] }}" +
    calls +
    "{{ '<|im_end|>\n' }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
} as const

/** Reads the tokenizer of a model's folder. */
export async function readFolderTokenizer(folder: string): Promise<FolderTokenizer> {
  const tokenizerJson = await readText(join(folder, 'tokenizer.json'))
  if (tokenizerJson === null) {
    throw new AppError('MODEL_FOLDER_INVALID', 'The folder has no tokenizer.json that can be read. Choose the folder of another model.')
  }
  const tokenizerConfig = (await readText(join(folder, 'tokenizer_config.json'))) ?? '{}'
  const config = configSchema.safeParse(parseTokenizerFile(tokenizerConfig)).data
  const own = (await readText(join(folder, 'chat_template.jinja'))) ?? templateIn(config?.chat_template ?? null)
  const knowsChatMl = chatMlTokens.every((token) => tokenizerJson.includes(JSON.stringify(token)))
  const template = own ?? (knowsChatMl ? trainerTemplates.chatMl : trainerTemplates.plain)
  const hash = createHash('sha256')
  for (const part of [tokenizerJson, tokenizerConfig, template]) hash.update(`${part.length}\n`).update(part)
  return {
    kind: 'folder',
    tokenizerJson,
    tokenizerConfig,
    chatTemplate: template,
    bosToken: config?.bos_token ?? null,
    eosToken: own === null && knowsChatMl ? chatMlTokens[1] : (config?.eos_token ?? null),
    sha256: hash.digest('hex'),
  }
}

function templateIn(value: string | { name: string; template: string }[] | null): string | null {
  if (value === null || typeof value === 'string') return value
  return (value.find(({ name }) => name === 'default') ?? value[0])?.template ?? null
}

/** The content of a tokenizer's file. */
export function parseTokenizerFile(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('MODEL_FOLDER_INVALID', 'The tokenizer files of the folder are not valid JSON. Download the model again.')
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    if ((await stat(path)).size > maxFileBytes) return null
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null
    throw error
  }
}

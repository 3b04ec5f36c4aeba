import { parseArgs } from 'node:util'
import { z } from 'zod'
import { exportLayoutSchema } from '../../../../../preload/contract/datasets.ts'

/** What the command line can do. */
export const commands = {
  validate: 'check every row and list what is wrong',
  tokens: 'check, then count the tokens of every row as the model sees it',
  scan: 'look for personal data, secrets and weak answers',
  dedupe: 'find rows that repeat others; --near also finds nearly equal ones',
  split: 'divide the rows into training and validation',
  convert: 'the same as export',
  export: 'write the usable rows in another layout',
  search: 'find the rows that hold a text: search FILE TEXT',
  rows: 'print the first rows as conversations',
} as const
export type CommandName = keyof typeof commands

const whole = z.coerce.number().int()

const optionsSchema = z.object({
  workers: whole.min(1).max(16).default(2),
  index: z.string().optional(),
  json: z.boolean().default(false),
  model: z.string().default('Qwen/Qwen3-8B'),
  'model-folder': z.string().optional(),
  vocabularies: z.string().optional(),
  range: whole.min(1024).optional(),
  near: z.boolean().default(false),
  threshold: z.coerce.number().min(0.5).max(1).default(0.5),
  layout: exportLayoutSchema.default('openai'),
  out: z.string().optional(),
  'drop-every': whole.min(2).optional(),
  seed: whole.min(0).default(42),
  validation: z.coerce.number().min(0).max(0.5).default(0.1),
  first: whole.min(1).max(200).default(20),
  report: z.string().optional(),
})
export type CommandOptions = z.infer<typeof optionsSchema>

/** A command with its checked arguments. */
export interface ParsedCommand {
  readonly name: CommandName
  readonly file: string
  readonly text: string
  readonly options: CommandOptions
}

/** What the command line prints when it is asked for help or misunderstood. */
export const usage = [
  'engine <command> FILE [options]',
  '',
  ...Object.entries(commands).map(([name, does]) => `  ${name.padEnd(10)} ${does}`),
  '',
  '  --json               one JSON object instead of text',
  '  --workers N          threads (2)',
  '  --index PATH         keep the index there and go on from it; without it nothing is kept',
  '  --model ID           base model whose tokens are counted (Qwen/Qwen3-8B)',
  '  --model-folder DIR   a model with its own tokenizer.json, in place of --model',
  '  --vocabularies DIR   folder of the packed vocabularies',
  '  --near, --threshold  nearly equal rows, and the least similarity (0.5)',
  '  --layout NAME        openai, sharegpt, alpaca, prompt_completion, parquet_messages, llama_factory',
  '  --out DIR            folder in which the export appears',
  '  --drop-every N       leave out every Nth row',
  '  --seed N, --validation SHARE',
  '  --first N            how many rows to print',
  '  --report FILE        write the report there: .json, .csv, .sarif.json or .html by its ending',
  '',
  'Exit status: 0 nothing wrong, 1 rows with errors, 2 wrong arguments or an unreadable file.',
  '',
].join('\n')

/** Reads the arguments; answers a sentence when they make no sense. */
export function readArguments(argv: readonly string[]): ParsedCommand | { readonly problem: string } {
  let parsed
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        workers: { type: 'string' },
        index: { type: 'string' },
        json: { type: 'boolean' },
        model: { type: 'string' },
        'model-folder': { type: 'string' },
        vocabularies: { type: 'string' },
        range: { type: 'string' },
        near: { type: 'boolean' },
        threshold: { type: 'string' },
        layout: { type: 'string' },
        out: { type: 'string' },
        'drop-every': { type: 'string' },
        seed: { type: 'string' },
        validation: { type: 'string' },
        first: { type: 'string' },
        report: { type: 'string' },
      },
    })
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
  const [name, file, text] = parsed.positionals
  if (name === undefined || !Object.hasOwn(commands, name))
    return { problem: name === undefined ? 'No command.' : `There is no command ${name}.` }
  if (file === undefined) return { problem: `${name} needs a file.` }
  if (name === 'search' && (text === undefined || text === '')) return { problem: 'search needs a text after the file.' }
  const options = optionsSchema.safeParse(parsed.values)
  if (!options.success) {
    const [issue] = options.error.issues
    return { problem: `--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}` }
  }
  return { name: name as CommandName, file, text: text ?? '', options: options.data }
}

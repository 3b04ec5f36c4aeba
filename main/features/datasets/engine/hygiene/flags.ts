/** What a flag is about: data of a person, a credential, or how good the row is for training. */
export type FlagGroup = 'privacy' | 'secret' | 'quality'

/** One thing worth knowing about a row; it never removes the row by itself. */
export interface Flag {
  /** Bit in the flags column; never re-used, because it is stored. */
  readonly number: number
  /** Stable name, such as `privacy.email`. */
  readonly id: string
  readonly title: string
  readonly group: FlagGroup
  readonly advice: string
  /** What a redacted text shows instead of the finding; null where nothing can be replaced. */
  readonly placeholder: string | null
}

/** Numbers of the flags, by the name the code uses. */
export const flagNumbers = {
  email: 0,
  phone: 1,
  ipAddress: 2,
  iban: 3,
  card: 4,
  ssn: 5,
  nationalId: 6,
  awsKey: 7,
  githubToken: 8,
  huggingFaceToken: 9,
  openaiKey: 10,
  anthropicKey: 11,
  runpodKey: 12,
  slackToken: 13,
  googleKey: 14,
  jwt: 15,
  privateKey: 16,
  assignedSecret: 17,
  refusal: 18,
  echo: 19,
  shortAnswer: 20,
  codeFence: 21,
  mojibake: 22,
  html: 23,
  repetition: 24,
  truncated: 25,
  symbols: 26,
  otherScript: 27,
} as const

const replaceKey = 'Replace it here, and withdraw the key at the service that issued it.'

const table: Record<keyof typeof flagNumbers, Omit<Flag, 'number'>> = {
  email: privacy('email', 'E-mail address', 'Replace the address, unless the model is meant to repeat it.'),
  phone: privacy('phone', 'Phone number', 'Replace the number, unless it is public and the model is meant to repeat it.'),
  ipAddress: privacy('ipv4', 'Public IP address', 'Replace the address if it belongs to a person or a server of yours.'),
  iban: privacy('iban', 'Bank account (IBAN)', 'Replace the account number.'),
  card: privacy('card', 'Payment card number', 'Replace the card number.'),
  ssn: privacy('ssn', 'US Social Security number', 'Replace the number.'),
  nationalId: privacy('national_id', 'Identity or passport number', 'Replace the number.'),
  awsKey: secret('aws_key', 'AWS access key', replaceKey),
  githubToken: secret('github_token', 'GitHub token', replaceKey),
  huggingFaceToken: secret('huggingface_token', 'Hugging Face token', replaceKey),
  openaiKey: secret('openai_key', 'OpenAI key', replaceKey),
  anthropicKey: secret('anthropic_key', 'Anthropic key', replaceKey),
  runpodKey: secret('runpod_key', 'RunPod key', replaceKey),
  slackToken: secret('slack_token', 'Slack token', replaceKey),
  googleKey: secret('google_key', 'Google API key', replaceKey),
  jwt: secret('jwt', 'Signed web token (JWT)', replaceKey),
  privateKey: secret('private_key', 'Private key', 'Replace the block, and make a new key pair where this one was in use.'),
  assignedSecret: secret('assignment', 'Password or key in a setting', 'Replace the value if it is a real one.'),
  refusal: quality('refusal', 'Refusal phrase', 'Read the answer; the model learns to refuse in the same words.'),
  echo: quality('echo', 'Answer repeats the prompt', 'Write an answer or drop the row.'),
  shortAnswer: quality('short_answer', 'Very short answer', 'Keep it if short answers are wanted, as in sorting into classes.'),
  codeFence: quality('code_fence', 'Code block left open', 'Close the block with three backticks.'),
  mojibake: quality('mojibake', 'Garbled characters', 'Export the file again as UTF-8; the text was read with the wrong encoding.'),
  html: quality('html', 'HTML remains', 'Remove the tags unless the model is meant to write them.'),
  repetition: quality('repetition', 'Repeats itself', 'Read the answer; the model learns to loop from such rows.'),
  truncated: quality('truncated', 'Answer ends in mid-sentence', 'Complete the answer or drop the row.'),
  symbols: quality('symbols', 'Many symbols', 'Read the row; tables and markup without words teach little.'),
  otherScript: quality(
    'other_script',
    'Other writing system than most rows',
    'Keep it if the model is meant to answer in that language too.',
  ),
}

function privacy(id: string, title: string, advice: string): Omit<Flag, 'number'> {
  return { id: `privacy.${id}`, title, group: 'privacy', advice, placeholder: `[${id}]` }
}

function secret(id: string, title: string, advice: string): Omit<Flag, 'number'> {
  return { id: `secret.${id}`, title, group: 'secret', advice, placeholder: `[${id}]` }
}

function quality(id: string, title: string, advice: string): Omit<Flag, 'number'> {
  return { id: `quality.${id}`, title, group: 'quality', advice, placeholder: null }
}

/** All flags, by number. */
export const flagTable: readonly Flag[] = (Object.keys(flagNumbers) as (keyof typeof flagNumbers)[]).map((key) => {
  const { id, title, group, advice, placeholder } = table[key]
  return { number: flagNumbers[key], id, title, group, advice, placeholder }
})

/** Bits of the flags that name something which can be replaced. */
export const privateFlagsMask = maskOf(flagTable.filter((flag) => flag.placeholder !== null).map((flag) => flag.id))

/** Bits of the flags with these ids; unknown ids add nothing. */
export function maskOf(ids: readonly string[]): number {
  let mask = 0
  for (const flag of flagTable) if (ids.includes(flag.id)) mask |= 1 << flag.number
  return mask >>> 0
}

/** Ids of the flags whose bits are set, for showing a row. */
export function flagIdsOf(flags: number): string[] {
  return flagTable.filter((flag) => (flags & (1 << flag.number)) !== 0).map((flag) => flag.id)
}

/** The flag with this number. */
export function flagOf(number: number): Flag {
  const flag = flagTable[number]
  if (flag === undefined) throw new RangeError(`There is no flag ${number}.`)
  return flag
}

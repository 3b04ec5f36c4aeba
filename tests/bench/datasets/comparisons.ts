import type { ContenderName } from './contenders.ts'

/** One figure of the suite: what is divided by what, and how large or small it must be. */
export interface Comparison {
  readonly name: string
  /** What Tunesmith does, and with what that is compared, for the table. */
  readonly work: string
  readonly against: string
  readonly own: ContenderName
  readonly reference: ContenderName | null
  /** `time`: own ÷ reference; `speed`: reference ÷ own of the times the programs took themselves; `peak`: own memory in MB; `growth`: own memory ÷ reference's. */
  readonly kind: 'time' | 'speed' | 'peak' | 'growth'
  readonly target: number
  /** The reference's time grows with the file and the work's does not: on a smaller file it is scaled to the full one. */
  readonly isSizeFree?: boolean
}

const parse = 'Python: `json.loads` of every line'

/** The figures of the dataset engine. */
export const comparisons: readonly Comparison[] = [
  {
    name: 'datasets.validate',
    work: 'checks every row by every rule, hashes it and writes the index; 2 threads',
    against: parse,
    own: 'validate',
    reference: 'python-parse',
    kind: 'time',
    target: 0.55,
  },
  { name: 'datasets.read', work: 'the same', against: '`cat` of the file', own: 'validate', reference: 'cat', kind: 'time', target: 20 },
  {
    name: 'datasets.tokens',
    work: 'the same, and the exact tokens of every row in the chat template of Qwen3',
    against: parse,
    own: 'tokens',
    reference: 'python-parse',
    kind: 'time',
    target: 4,
  },
  {
    name: 'datasets.tokenizer',
    work: 'counts the tokens of 30 MB of chats on one thread',
    against: 'Hugging Face’s library, in batches on all cores; how many times faster',
    own: 'own-tokenizer',
    reference: 'reference-tokenizer',
    kind: 'speed',
    target: 6,
  },
  {
    name: 'datasets.near-duplicates',
    work: 'finds the near duplicates among 100,000 checked rows',
    against: 'Python: `json.loads` of the same lines',
    own: 'near-duplicates',
    reference: 'python-parse-slice',
    kind: 'time',
    target: 2.7,
  },
  {
    name: 'datasets.export',
    work: 'exports the rows of a checked dataset without every tenth',
    against: 'Python: `json.loads` and `json.dumps` of the same lines',
    own: 'export',
    reference: 'python-export',
    kind: 'time',
    target: 0.2,
  },
  {
    name: 'datasets.search',
    work: 'finds all rows that hold a text',
    against: 'Python: `in` on every line',
    own: 'search',
    reference: 'python-search',
    kind: 'time',
    target: 0.6,
  },
  {
    name: 'datasets.first-rows',
    work: 'detects the format and prints the first 50 rows',
    against: `${parse}, of 500 MiB`,
    own: 'first-rows',
    reference: 'python-parse',
    kind: 'time',
    target: 0.15,
    isSizeFree: true,
  },
  {
    name: 'datasets.validate-memory',
    work: 'most memory of the check, in MB',
    against: '',
    own: 'validate',
    reference: null,
    kind: 'peak',
    target: 220,
  },
  {
    name: 'datasets.tokens-memory',
    work: 'most memory of check and tokens, in MB',
    against: '',
    own: 'tokens',
    reference: null,
    kind: 'peak',
    target: 420,
  },
  {
    name: 'datasets.validate-growth',
    work: 'most memory of the check of a file three times as large',
    against: 'that of the file',
    own: 'validate-large',
    reference: 'validate',
    kind: 'growth',
    target: 1.2,
  },
  {
    name: 'datasets.tokens-growth',
    work: 'most memory of check and tokens of a file three times as large',
    against: 'that of the file',
    own: 'tokens-large',
    reference: 'tokens',
    kind: 'growth',
    target: 1.2,
  },
]

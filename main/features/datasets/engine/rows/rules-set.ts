import type { RuleText } from './rule-numbers.ts'

/** Rules about tokens. */
export const tokenRules: readonly RuleText[] = [
  [
    'token.special-in-content',
    'warning',
    'Control tokens of a model in the text',
    'A text such as <|im_end|> becomes a real control token and can end a turn early. Remove it, or write it differently.',
    null,
  ],
  [
    'token.too-long',
    'warning',
    'Longer than the chosen length',
    'The oldest turns are left out; a single exchange that does not fit is not trained. Raise the length, or shorten the row.',
    null,
  ],
  [
    'token.none-trained',
    'error',
    'No token to learn',
    'Nothing of an answer is left to train on. Raise the length, or drop the row.',
    null,
  ],
  [
    'token.template-refuses',
    'error',
    'The model’s chat template refuses the row',
    'Change the order of the turns, or choose another base model.',
    null,
  ],
]

/** Rules about the rows as a set. */
export const setRules: readonly RuleText[] = [
  [
    'set.mixed-shapes',
    'warning',
    'Rows of different layouts',
    'Other tools expect one layout in a file; an export writes all rows in one.',
    null,
  ],
  [
    'set.type-drift',
    'warning',
    'A column changes its type',
    'Tools that load the file as a table stop where a column changes its type. Use one type in all rows.',
    null,
  ],
  ['set.duplicate', 'warning', 'Repeats an earlier row', 'A repeated row counts twice in training. Drop the copies.', null],
  ['set.near-duplicate', 'info', 'Nearly the same as another row', 'Look at the pair and drop the one you do not need.', null],
  ['set.same-prompt', 'info', 'Same question, different answers', 'Check that the answers do not contradict each other.', null],
  [
    'set.leakage',
    'warning',
    'In training and in validation',
    'A row that is trained cannot tell how well the model does on new rows. Divide the rows again, or drop one of the two.',
    null,
  ],
  ['set.too-few-rows', 'info', 'Few rows', 'OpenAI asks for at least 10 rows, Fireworks for 3; a style needs some dozens.', null],
]

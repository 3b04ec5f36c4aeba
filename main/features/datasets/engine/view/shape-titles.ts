import type { DatasetShape } from '../../../../../preload/contract/datasets.ts'

/** What people call the shapes. */
export const shapeTitles: Readonly<Record<DatasetShape, string>> = {
  messages: 'OpenAI chat',
  sharegpt: 'ShareGPT',
  alpaca: 'Alpaca',
  prompt_completion: 'Prompt and completion',
  question_answer: 'Question and answer',
  text: 'Plain text',
  preference: 'Preference pairs',
  turns: 'Turns',
  brightrun: 'BrightRun',
  conversations: 'Conversations',
  mapped: 'Mapped columns',
  mixed: 'Mixed',
}

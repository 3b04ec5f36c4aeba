import type { DatasetShape } from './datasets.ts'

/** What the app calls the shapes, in the window as in what the engine says. */
export const shapeNames: Readonly<Record<DatasetShape, string>> = {
  messages: 'OpenAI messages',
  sharegpt: 'ShareGPT',
  alpaca: 'Alpaca',
  prompt_completion: 'Prompt and completion',
  question_answer: 'Question and answer',
  text: 'Plain text',
  preference: 'Preference pairs',
  turns: 'Conversation turns',
  brightrun: 'BrightRun v4',
  conversations: 'Conversations',
  mapped: 'Columns chosen by you',
  mixed: 'Mixed shapes',
}

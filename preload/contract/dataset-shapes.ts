import type { DatasetShape } from './datasets.ts'

/** How one row can be laid out; the place in this list is how indexes number it, so new shapes go to its end. */
export const rowShapes = [
  'messages',
  'sharegpt',
  'alpaca',
  'prompt_completion',
  'question_answer',
  'text',
  'preference',
  'turns',
  'brightrun',
  'conversations',
  'mapped',
] as const

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

/** Begins the id of a model that is a folder on this computer; its path follows. */
export const folderPrefix = 'folder:'

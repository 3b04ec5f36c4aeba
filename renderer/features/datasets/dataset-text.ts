import type { DatasetErrorCode, DatasetShape, DatasetStatus } from '../../../preload/contract/datasets.ts'

/** Names of the recognised shapes. */
export const shapeNames: Readonly<Record<DatasetShape, string>> = {
  messages: 'OpenAI messages',
  turns: 'Conversation turns',
  brightrun: 'BrightRun v4',
  conversations: 'Conversations',
  mixed: 'Mixed shapes',
}

/** Status words as shown. */
export const statusNames: Readonly<Record<DatasetStatus, string>> = {
  importing: 'Importing',
  validating: 'Checking',
  ready: 'Ready',
  error: 'Has issues',
}

/** Kinds of faults as shown. */
export const errorNames: Readonly<Record<DatasetErrorCode, string>> = {
  ENCODING_INVALID: 'Not UTF-8',
  JSON_INVALID: 'Broken JSON',
  ROW_TOO_LARGE: 'Row too large',
  ROW_NOT_OBJECT: 'Not an object',
  SHAPE_UNKNOWN: 'Unknown shape',
  FIELD_MISSING: 'Field missing',
  FIELD_TYPE: 'Wrong type',
  ROLE_UNKNOWN: 'Unknown role',
  CONTENT_EMPTY: 'Empty text',
  MESSAGES_EMPTY: 'No messages',
  ASSISTANT_MISSING: 'No answer to learn',
  ROLE_ORDER: 'Turns out of order',
}

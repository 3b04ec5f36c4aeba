import { describeValue, type FaultList } from '../faults.ts'
import { ownValue, readContent, readTurnList, type JsonObject, type LocatedTurn } from './turn-list.ts'

/** One line of a BrightRun v4 training file: system prompt, history, the current question and its target answer. */
export function readBrightrunRow(row: JsonObject, faults: FaultList): LocatedTurn[] {
  const turns: LocatedTurn[] = []
  const system = ownValue(row, 'system_prompt')
  if (typeof system === 'string' && system.trim() !== '') {
    turns.push({ role: 'system', content: system, rolePointer: '/system_prompt' })
  } else if (system !== undefined && system !== null && typeof system !== 'string') {
    faults.add({
      pointer: '/system_prompt',
      code: 'FIELD_TYPE',
      message: `"system_prompt" must be a text; got ${describeValue(system)}.`,
      suggestion: 'Write the system prompt as text, or remove it.',
    })
  }
  turns.push(...readHistory(ownValue(row, 'conversation_history'), faults))
  const input = readCurrentInput(row, turns, faults)
  if (input !== null) turns.push(input)
  const answer = readTarget(ownValue(row, 'target_response'), faults)
  if (answer !== null) turns.push(answer)
  return turns
}

function readHistory(history: unknown, faults: FaultList): LocatedTurn[] {
  if (history === undefined || history === null || (Array.isArray(history) && history.length === 0)) return []
  return readTurnList(history, '/conversation_history', faults)
}

/** The question is usually the last turn of the history as well; it must be said only once. */
function readCurrentInput(row: JsonObject, before: readonly LocatedTurn[], faults: FaultList): LocatedTurn | null {
  const value = ownValue(row, 'current_user_input')
  const last = before.at(-1)
  if ((value === undefined || value === null) && last?.role === 'user') return null
  const content = readContent(value, '/current_user_input', 'user', faults)
  if (last?.role === 'user' && last.content.trim() === content.trim()) return null
  return { role: 'user', content, rolePointer: '/current_user_input' }
}

function readTarget(value: unknown, faults: FaultList): LocatedTurn | null {
  if (value === undefined || value === null) {
    faults.add({
      pointer: '/target_response',
      code: 'ASSISTANT_MISSING',
      message: 'The line has no "target_response", so there is no answer to learn.',
      suggestion: 'Add the answer, or remove this line.',
    })
    return null
  }
  return { role: 'assistant', content: readContent(value, '/target_response', 'assistant', faults), rolePointer: '/target_response' }
}

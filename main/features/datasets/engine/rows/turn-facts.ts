import { isJsonObject, ownValue, type JsonObject } from './faults.ts'

/** False for an answer that its row takes out of training, in any of the ways in use. */
export function isTurnTrained(turn: JsonObject): boolean {
  const weight = ownValue(turn, 'weight')
  if (weight === 0 || weight === '0' || weight === false) return false
  return ownValue(turn, 'train') !== false && ownValue(turn, 'loss') !== false && ownValue(turn, 'loss_scale') !== 0
}

/** True when a turn holds a call, which may stand without text. */
export function callsTool(turn: JsonObject): boolean {
  const calls = ownValue(turn, 'tool_calls')
  if (Array.isArray(calls) ? calls.length > 0 : calls !== undefined && calls !== null) return true
  return isJsonObject(ownValue(turn, 'function_call'))
}

/** True for a turn of two entries; no list of names is made. */
export function hasTwoKeys(turn: Record<string, unknown>): boolean {
  let keys = 0
  for (const _ in turn) keys += 1
  return keys === 2
}

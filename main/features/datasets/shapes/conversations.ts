import type { FaultList } from '../faults.ts'
import { ownValue, readTurnList, type JsonObject, type LocatedTurn } from './turn-list.ts'

/** `{"conversations": […]}` with role/content, or ShareGPT's from/value and its separate system text. */
export function readConversationsRow(row: JsonObject, faults: FaultList): LocatedTurn[] {
  const turns = readTurnList(ownValue(row, 'conversations'), '/conversations', faults)
  const system = ownValue(row, 'system')
  if (typeof system !== 'string' || system.trim() === '' || turns[0]?.role === 'system') return turns
  return [{ role: 'system', content: system, rolePointer: '/system' }, ...turns]
}

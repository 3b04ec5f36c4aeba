import type { FaultList } from '../faults.ts'
import { ownValue, readTurnList, type JsonObject, type LocatedTurn } from './turn-list.ts'

/** OpenAI chat: `{"messages": [{"role", "content"}, …]}`. */
export function readMessagesRow(row: JsonObject, faults: FaultList): LocatedTurn[] {
  return readTurnList(ownValue(row, 'messages'), '/messages', faults)
}

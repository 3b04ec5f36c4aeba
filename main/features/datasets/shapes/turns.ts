import type { FaultList } from '../faults.ts'
import { ownValue, readTurnList, type JsonObject, type LocatedTurn } from './turn-list.ts'

/** The original upload shape: `{"conversation_id", "turns": [{"role", "content"}, …]}`; the id is not needed. */
export function readTurnsRow(row: JsonObject, faults: FaultList): LocatedTurn[] {
  return readTurnList(ownValue(row, 'turns'), '/turns', faults)
}

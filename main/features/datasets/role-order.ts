import type { FaultList } from './faults.ts'
import type { LocatedTurn } from './shapes/turn-list.ts'

/** Checks who speaks when, by the rules chat templates share; a tool's reply may stand between question and answer. */
export function checkRoleOrder(turns: readonly LocatedTurn[], listPointer: string, faults: FaultList): void {
  if (!turns.some((turn) => turn.role === 'assistant')) {
    faults.add({
      pointer: listPointer,
      code: 'ASSISTANT_MISSING',
      message: 'The conversation has no assistant turn, so there is nothing to learn.',
      suggestion: 'Add the answer you want the model to give, or remove this line.',
    })
    return
  }
  turns.forEach((turn, index) => {
    const fault = faultAt(turn, turns[index - 1], index)
    if (fault !== null) faults.add({ pointer: turn.rolePointer, code: 'ROLE_ORDER', ...fault })
  })
  const last = turns.at(-1)
  if (last !== undefined && last.role !== 'assistant') {
    faults.add({
      pointer: last.rolePointer,
      code: 'ROLE_ORDER',
      message: `The conversation ends with a ${last.role} turn; the last turn must be the assistant's.`,
      suggestion: 'Add the answer, or remove the turns after the last answer.',
    })
  }
}

function faultAt(turn: LocatedTurn, previous: LocatedTurn | undefined, index: number): { message: string; suggestion: string } | null {
  if (turn.role === 'system') {
    return index === 0
      ? null
      : {
          message: `The system turn stands at position ${index + 1}; it may only be the first.`,
          suggestion: 'Move the system text to the start of the conversation.',
        }
  }
  const isFirst = index === 0 || (index === 1 && previous?.role === 'system')
  if (isFirst && turn.role !== 'user') {
    return {
      message: `The first turn after the system text is a ${turn.role} turn; expected a user turn.`,
      suggestion: 'Start the conversation with what the user says.',
    }
  }
  if (turn.role === 'tool') {
    return previous?.role === 'assistant' || previous?.role === 'tool'
      ? null
      : {
          message: 'A tool turn must follow an assistant turn.',
          suggestion: 'Move the tool turn after the assistant turn that asked for it.',
        }
  }
  if (previous !== undefined && previous.role === turn.role) {
    return {
      message: `Two ${turn.role} turns stand in a row; expected the ${turn.role === 'user' ? 'assistant' : 'user'} in between.`,
      suggestion: 'Join the two turns into one, or add the turn that is missing between them.',
    }
  }
  return null
}

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const windowStateSchema = z.object({
  position: z.object({ x: z.int(), y: z.int() }).nullable(),
  width: z.int().min(720).max(10000),
  height: z.int().min(480).max(10000),
  isMaximized: z.boolean(),
})
export type WindowState = z.infer<typeof windowStateSchema>

const firstState: WindowState = { position: null, width: 1280, height: 800, isMaximized: false }

interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Reads the last window state; anything unreadable means the first-start size. */
export function readWindowState(path: string, displays: readonly Area[]): WindowState {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return firstState
  }
  return placeOnScreen(parseState(text), displays)
}

/** Stores the state for the next start; synchronous, because the process may end right after the window closes. */
export function writeWindowState(path: string, state: WindowState): void {
  writeFileSync(`${path}.tmp`, JSON.stringify(state))
  renameSync(`${path}.tmp`, path)
}

function parseState(text: string): WindowState {
  try {
    const parsed = windowStateSchema.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : firstState
  } catch {
    return firstState
  }
}

/** Drops a position that no longer lies on any display, e.g. after a monitor was unplugged. */
function placeOnScreen(state: WindowState, displays: readonly Area[]): WindowState {
  if (state.position === null) return state
  const { x, y } = state.position
  const isVisible = displays.some(
    (area) => x + 100 > area.x && x < area.x + area.width - 100 && y >= area.y - 10 && y < area.y + area.height - 50,
  )
  return isVisible ? state : { ...state, position: null }
}

import { isShuttingDown } from './run-command.mjs'

const LABEL_WIDTH = 16
const REPEAT_MS = 10_000

/** "12.3 s" below two minutes, "3 min 05 s" above. */
export function formatElapsed(ms) {
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
}

const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`
const line = (label, text) => `${label.padEnd(LABEL_WIDTH)} ${text}`

/** "45 % of 196 MB" when the total is known, "88 MB" when it is not. */
export function formatBytes(done, total) {
  if (total === undefined || total <= 0) return megabytes(done)
  return `${Math.min(100, Math.floor((done / total) * 100))} % of ${megabytes(total)}`
}

/** Prints one line per finished step, and what the unfinished ones are doing: in place on a terminal, every 10 s elsewhere. */
export function createProgressLines(stream = process.stdout, now = Date.now) {
  const active = new Map()
  const inPlace = stream.isTTY === true
  let timer

  const clear = () => {
    if (inPlace) stream.write('\r\u001b[2K')
  }
  const print = (text) => {
    clear()
    stream.write(`${text}\n`)
  }
  const describe = (step) => line(step.label, `${step.detail} · ${formatElapsed(now() - step.startedMs)}`)
  const refresh = () => {
    const steps = [...active.values()]
    if (!inPlace) {
      for (const step of steps) {
        if (now() - step.printedMs < REPEAT_MS) continue
        step.printedMs = now()
        print(describe(step))
      }
      return
    }
    clear()
    const room = (stream.columns ?? 80) - 1
    stream.write(
      steps
        .map((step) => `${step.label}: ${step.detail}`)
        .join(' | ')
        .slice(0, room),
    )
  }

  return {
    /** A line outside any step. */
    say: (text) => print(text),

    /** Runs one step; `work` gets a function that replaces what is shown of it, and returns the line's final text. */
    async step(label, work) {
      const step = { label, detail: 'working', startedMs: now(), printedMs: now() }
      active.set(step, step)
      timer ??= setInterval(refresh, inPlace ? 250 : 1000)
      try {
        const { summary, value } = await work((detail) => {
          step.detail = detail
        })
        print(line(label, `${summary} · ${formatElapsed(now() - step.startedMs)}`))
        return value
      } catch (error) {
        print(line(label, `${isShuttingDown() ? 'stopped' : 'failed'} · ${formatElapsed(now() - step.startedMs)}`))
        throw error
      } finally {
        active.delete(step)
        if (active.size === 0) {
          clearInterval(timer)
          timer = undefined
          clear()
        }
      }
    },
  }
}

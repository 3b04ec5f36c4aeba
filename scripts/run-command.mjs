import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const TAIL_LINES = 40
const GRACE_MS = 5000
const live = new Set()
const atExit = []
let stopping = false

function signalTree(entry, signal) {
  try {
    if (entry.ownGroup) process.kill(-entry.child.pid, signal)
    else entry.child.kill(signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

async function stopChildren() {
  const entries = [...live]
  for (const entry of entries) signalTree(entry, 'SIGTERM')
  const timer = setTimeout(() => entries.forEach((entry) => signalTree(entry, 'SIGKILL')), GRACE_MS)
  await Promise.all(entries.map((entry) => entry.closed))
  clearTimeout(timer)
}

/** Tells whether the runner is being ended from outside: what fails from then on is no failure to report. */
export function isShuttingDown() {
  return stopping
}

/** Registers clean-up that must happen however the runner ends, other than by SIGKILL. */
export function onShutdown(cleanUp) {
  atExit.push(cleanUp)
}

/** Ends every child, runs the registered clean-ups in reverse order, then leaves with `exitCode`. */
export async function shutDown(exitCode) {
  if (stopping) return
  stopping = true
  await stopChildren()
  for (const cleanUp of atExit.reverse()) await cleanUp()
  process.exit(exitCode)
}

/** Makes Ctrl-C, kill and a closed terminal take the same orderly way out. */
export function installSignalHandlers() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => void shutDown(128 + constants.signals[signal]))
  }
}

function followLines(stream, onLine) {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk) => {
    const lines = (rest + chunk).split(/\r?\n|\r/)
    rest = lines.pop() ?? ''
    for (const text of lines) onLine(text)
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
  })
}

function follow(child, { onLine, logFile, echo }, tail) {
  const log = logFile === undefined ? undefined : createWriteStream(logFile)
  const take = (target) => (raw) => {
    const text = stripVTControlCharacters(raw)
    tail.push(text)
    if (tail.length > TAIL_LINES) tail.shift()
    log?.write(`${text}\n`)
    if (echo === true) target.write(`${text}\n`)
    onLine?.(text)
  }
  followLines(child.stdout, take(process.stdout))
  followLines(child.stderr, take(process.stderr))
  return log
}

/**
 * Runs a program to its end and resolves to its exit code and last lines; it never rejects because of that code.
 * `inherit` gives it this terminal's output, `foreground` its input and process group as well.
 */
export function runCommand(command, args, options = {}) {
  const { cwd, env = process.env, inherit = false, foreground = false, timeoutMs, signal } = options
  const ownGroup = !foreground && process.platform !== 'win32'
  const passOutput = inherit || foreground
  const child = spawn(command, args, {
    cwd,
    env,
    detached: ownGroup,
    // Windows starts npm's command shims through its shell only.
    shell: process.platform === 'win32' && !path.isAbsolute(command),
    stdio: [foreground ? 'inherit' : 'ignore', passOutput ? 'inherit' : 'pipe', passOutput ? 'inherit' : 'pipe'],
  })
  const tail = []
  const log = passOutput ? undefined : follow(child, options, tail)
  const entry = { child, ownGroup, closed: undefined }
  entry.closed = new Promise((resolve) => {
    child.once('close', resolve)
    child.once('error', resolve)
  })
  live.add(entry)
  const stop = () => signalTree(entry, 'SIGKILL')
  const timer = timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs)
  signal?.addEventListener('abort', stop, { once: true })

  return new Promise((resolve) => {
    const finish = (code) => {
      live.delete(entry)
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      const result = { code, tail }
      if (log === undefined) resolve(result)
      else log.end(() => resolve(result))
    }
    child.once('error', (error) => {
      tail.push(error.message)
      finish(127)
    })
    child.once('close', (code, killedBy) => finish(code ?? 128 + (constants.signals[killedBy] ?? 0)))
  })
}

/** What a short command printed on standard output, or undefined when it failed. */
export async function readCommand(command, args, options = {}) {
  const lines = []
  const { code } = await runCommand(command, args, { ...options, onLine: (text) => lines.push(text) })
  return code === 0 ? lines.join('\n') : undefined
}

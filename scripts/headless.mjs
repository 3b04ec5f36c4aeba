import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onShutdown } from './run-command.mjs'
import { stepError } from './step-error.mjs'

const START_LIMIT_MS = 20_000

function readFirstLine(child) {
  return new Promise((resolve, reject) => {
    let out = ''
    let complaint = ''
    const timer = setTimeout(() => reject(new Error('it did not start within 20 s')), START_LIMIT_MS)
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (chunk) => {
      complaint = (complaint + chunk).slice(-2000)
    })
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (chunk) => {
      out += chunk
      if (!out.includes('\n')) return
      clearTimeout(timer)
      resolve(out.slice(0, out.indexOf('\n')))
    })
    child.once('exit', () => {
      clearTimeout(timer)
      reject(new Error(complaint.trim().split('\n').at(-1) || 'it ended at once'))
    })
  })
}

/**
 * Starts a private screen, D-Bus session and unlocked keyring, and resolves to the variables that lead programs there.
 * They are kept by a process of their own that ends them when this one is gone, however it went.
 */
export async function startHeadless({ lines }) {
  return lines.step('Private screen', async () => {
    const keeper = fileURLToPath(new URL('headless-keeper.mjs', import.meta.url))
    const child = spawn(process.execPath, [keeper], { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    onShutdown(async () => {
      child.stdin.end()
      await ended
    })
    try {
      const value = JSON.parse(await readFirstLine(child))
      return { summary: `${value.DISPLAY} with its own D-Bus and keyring`, value }
    } catch (error) {
      throw stepError(
        `The private screen could not be started (${error.message}); check that xvfb, openbox, dbus and gnome-keyring are installed.`,
      )
    }
  })
}

import { _electron, type ElectronApplication } from '@playwright/test'

type LaunchOptions = Parameters<typeof _electron.launch>[0]

const attempts = 3
const attemptTimeoutMs = 20_000

/**
 * Starts an Electron program under the driver.
 * The driver attaches while the program already runs, and now and then misses its first window for good; then it is started anew.
 */
export async function launchElectron(options: NonNullable<LaunchOptions>): Promise<ElectronApplication> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await _electron.launch({ ...options, timeout: attemptTimeoutMs })
    } catch (error) {
      if (attempt === attempts || !(error instanceof Error) || error.name !== 'TimeoutError') throw error
      process.stderr.write(`The driver did not get hold of the program; start ${attempt + 1} of ${attempts}.\n`)
    }
  }
}

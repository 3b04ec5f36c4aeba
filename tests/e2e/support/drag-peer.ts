import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { ElectronApplication, Page } from '@playwright/test'
import { createProfile, removeProfile } from './app.ts'
import { launchElectron } from './launch.ts'
import { testRuntime } from './runtime.ts'

/** The second program of a drag test. */
export interface DragPeer {
  readonly page: Page
  close(): Promise<void>
}

/** Starts the second program beside the app. */
export async function startDragPeer(): Promise<DragPeer> {
  const { electron } = testRuntime()
  const profile = createProfile()
  const application: ElectronApplication = await launchElectron({
    executablePath: electron,
    args: [join(import.meta.dirname, 'drag-peer'), `--user-data-dir=${profile}`, '--force-device-scale-factor=1', '--disable-gpu'],
  })
  const page = await application.firstWindow()
  await page.locator('#source').waitFor()
  return {
    page,
    async close() {
      await application.close()
      removeProfile(profile)
    },
  }
}

/** Screen position of the middle of an element, from its window's position on the screen. */
export async function screenCentre(page: Page, selector: string): Promise<{ x: number; y: number }> {
  const box = await page.locator(selector).first().boundingBox()
  if (box === null) throw new Error(`${selector} is not on the screen`)
  const origin = await page.evaluate(() => ({
    x: window.screenX + (window.outerWidth - window.innerWidth) / 2,
    y: window.screenY + (window.outerHeight - window.innerHeight),
  }))
  return { x: Math.round(origin.x + box.x + box.width / 2), y: Math.round(origin.y + box.y + box.height / 2) }
}

function xdotool(...args: readonly (string | number)[]): void {
  execFileSync('xdotool', args.map(String), { stdio: 'pipe' })
}

/** Drags with the real pointer, in small steps as a hand does, waiting for the window system after each. */
export function dragWithPointer(from: { x: number; y: number }, to: { x: number; y: number }): void {
  xdotool('mousemove', '--sync', from.x, from.y, 'mousedown', 1)
  for (let offset = 4; offset <= 24; offset += 4) xdotool('mousemove', '--sync', from.x + offset, from.y + offset, 'sleep', 0.05)
  const start = { x: from.x + 24, y: from.y + 24 }
  xdotool('sleep', 0.4)
  const steps = Math.ceil(Math.max(Math.abs(to.x - start.x), Math.abs(to.y - start.y)) / 8)
  for (let step = 1; step <= steps; step += 1) {
    const share = step / steps
    xdotool('mousemove', Math.round(start.x + (to.x - start.x) * share), Math.round(start.y + (to.y - start.y) * share), 'sleep', 0.01)
  }
  xdotool('sleep', 0.3, 'mousemove', to.x + 3, to.y + 3, 'sleep', 0.3, 'mouseup', 1)
}

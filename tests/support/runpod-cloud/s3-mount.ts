import { existsSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { delay } from '../../../main/lib/clock.ts'
import { brokenAnswer, sendBroken } from './broken-answers.ts'
import type { CloudClock } from './cloud-clock.ts'
import type { CloudState } from './cloud-state.ts'
import type { Faults } from './faults.ts'
import { isOut } from './front.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>
type CreateS3Handler = (options: {
  root: string
  accessKeyId: string
  secretAccessKey: string
  region: string
  now: () => number
}) => Handler

interface MountOptions {
  readonly state: CloudState
  readonly folder: string
  readonly clock: CloudClock
  readonly faults: Faults
}

/** S3 on the volumes' folders, behind the same outages and faults (`s3.GET`, `s3.PUT` …) as everything else. */
export async function mountS3({ state, folder, clock, faults }: MountOptions): Promise<Handler> {
  const path = fileURLToPath(new URL('./s3/s3-server.ts', import.meta.url))
  const module: unknown = existsSync(path) ? await import(path) : {}
  const { createS3Handler } = module as { createS3Handler?: CreateS3Handler }
  const now = () => Date.now() + state.s3SkewMs
  const handle = createS3Handler?.({ root: join(folder, 'volumes'), ...state.s3Key, region: 'EU-RO-1', now })
  return async (request, response) => {
    const operation = `s3.${request.method ?? 'GET'}`
    if (isOut(state, operation, clock.nowMs())) return void request.socket.destroy()
    state.calls[operation] = (state.calls[operation] ?? 0) + 1
    for (const effect of faults.strikeReply({ operation })) {
      if (effect.kind === 'reset_before') return void request.socket.destroy()
      if (effect.kind === 'slow') await (effect.by === 'cloud' ? delay(clock, effect.delayMs) : realDelay(effect.delayMs))
      const broken = brokenAnswer(effect)
      if (broken !== undefined) return sendBroken(request, response, broken)
    }
    if (handle === undefined) return void response.writeHead(501).end()
    await handle(request, response)
  }
}

function realDelay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { delay } from '../../../main/lib/clock.ts'
import { brokenAnswer, sendBroken } from './broken-answers.ts'
import type { CloudClock } from './cloud-clock.ts'
import type { CloudState } from './cloud-state.ts'
import type { Faults } from './faults.ts'
import { isOut } from './front.ts'
import type { S3Faults } from './s3/s3-faults.ts'
import { createS3Handler } from './s3/s3-server.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

interface MountOptions {
  readonly state: CloudState
  readonly folder: string
  readonly clock: CloudClock
  readonly faults: Faults
  /** What only a storage can suffer; forgotten when the cloud is started again. */
  readonly s3Faults: S3Faults
}

/** S3 on the volumes' folders, behind the same outages and faults (`s3.GET`, `s3.PUT` …) as everything else. */
export function mountS3({ state, folder, clock, faults, s3Faults }: MountOptions): Handler {
  const now = () => Date.now() + state.s3SkewMs
  const handle = createS3Handler({ root: join(folder, 'volumes'), ...state.s3Key, region: 'EU-RO-1', now, faults: s3Faults })
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
    await handle(request, response)
  }
}

function realDelay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

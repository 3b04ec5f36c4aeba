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
  const handlers = new Map<string, Handler>()
  const handlerIn = (region: string): Handler => {
    const known = handlers.get(region)
    if (known !== undefined) return known
    const made = createS3Handler({ root: join(folder, 'volumes'), ...state.s3Key, region, now, faults: s3Faults })
    handlers.set(region, made)
    return made
  }
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
    await handlerIn(placeOf(state, request.url ?? ''))(request, response)
  }
}

/** Each data centre has a storage of its own, which knows only its own volumes. */
function placeOf({ volumes }: CloudState, url: string): string {
  const bucket = url.split(/[/?]/)[1]
  return volumes.find(({ id }) => id === bucket)?.dataCenter ?? 'EU-RO-1'
}

function realDelay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

import { createS3Volume } from '../../../main/integrations/volume/s3-volume.ts'
import { systemClock } from '../../../main/lib/clock.ts'
import { createLog } from '../../../main/lib/log.ts'

/** One transfer in a process of its own, so that it can be killed: `node transfer-process.ts JSON`. */
const { direction, key, file, sha256, options, accessKeyId, secretAccessKey } = JSON.parse(process.argv[2] ?? '{}')
const volume = createS3Volume({
  ...options,
  credentials: async () => ({ accessKeyId, secretAccessKey }),
  clock: systemClock,
  log: createLog(() => undefined),
})
const transfer = { onProgress: (doneBytes: number) => void process.stdout.write(`${doneBytes}\n`) }
if (direction === 'up') await volume.putFile(key, file, sha256, transfer)
else await volume.getFile(key, file, transfer)

import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createS3Volume } from '../../../main/integrations/volume/s3-volume.ts'
import { systemClock } from '../../../main/lib/clock.ts'
import { createLog } from '../../../main/lib/log.ts'
import { storageBucket, storageKey, storageRegion } from './storage-process.ts'

/** Moves one file by the app's own code: `node --expose-gc transfer-own.ts up|down URL KEY FILE SHA256 FOLDER`. */
const [direction = '', endpoint = '', key = '', file = '', sha256 = '', folder = ''] = process.argv.slice(2)
const volume = createS3Volume({
  endpoint,
  region: storageRegion,
  bucket: storageBucket,
  credentials: async () => storageKey,
  journalFolder: join(folder, 'journal'),
  clock: systemClock,
  log: createLog(() => undefined),
})

// The app is at work before a transfer begins: its code is loaded and it has talked to the store.
const small = join(folder, 'small')
const text = process.hrtime.bigint().toString()
const smallHash = createHash('sha256').update(text).digest('hex')
await writeFile(small, text)
await volume.putFile(`small/${smallHash}`, small, smallHash)
await volume.getFile(`small/${smallHash}`, `${small}.back`)
globalThis.gc?.()
const idleBytes = process.memoryUsage.rss()

const startMs = performance.now()
if (direction === 'up') await volume.putFile(key, file, sha256)
else await volume.getFile(key, file)
console.log(JSON.stringify({ ms: performance.now() - startMs, idleBytes }))
// What rests of the connections is not waited for.
process.exit()

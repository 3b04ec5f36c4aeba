import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createS3Handler } from '../../support/runpod-cloud/s3/s3-server.ts'
import { storageKey, storageRegion } from './storage-process.ts'

/** The storage on a folder, in a process of its own until its input ends: `node storage.ts FOLDER`. */
const [root = ''] = process.argv.slice(2)
const handle = createS3Handler({ root, ...storageKey, region: storageRegion, now: Date.now })
const server = createServer((request, response) => void handle(request, response))
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
process.stdin.resume()
process.stdin.on('end', () => process.exit())

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { labBucket, openS3Lab, plainClient } from '../../support/runpod-cloud/s3/s3-lab.ts'
import { runS3Script } from '../../support/runpod-cloud/s3/s3-script.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Starts moto's server on a free port and waits until it names its address. */
async function startMoto(): Promise<string> {
  const python = process.env['TUNESMITH_PYTHON']
  if (python === undefined || python === '') throw new Error('TUNESMITH_PYTHON must name a Python with moto[server]')
  const child = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  closers.push(() => end(child))
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line)
    const url = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1]
    if (url !== undefined) {
      child.stderr.resume()
      return url
    }
  }
  throw new Error(`moto did not start:\n${said.join('\n')}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill()
  await exit
}

test('our storage and moto answer every supported call alike, so tests on ours prove something', async () => {
  const motoUrl = await startMoto()
  const moto = new S3Client({ ...plainClient(motoUrl, 'us-east-1'), credentials: { accessKeyId: 'any', secretAccessKey: 'any' } })
  const lab = await openS3Lab()
  closers.push(lab.close, async () => moto.destroy())
  await moto.send(new CreateBucketCommand({ Bucket: labBucket }))

  const ours = await runS3Script(lab.client, labBucket)
  const theirs = await runS3Script(moto, labBucket)

  expect(ours).toEqual(theirs)
  expect(Object.keys(ours).length).toBeGreaterThan(30)
})

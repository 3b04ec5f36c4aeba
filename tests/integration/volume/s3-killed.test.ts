import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bucket, openS3World, sizes, type S3World } from '../../support/volume/s3-world.ts'

const script = fileURLToPath(new URL('../../support/volume/transfer-process.ts', import.meta.url))
const totalBytes = 12_000_000

describe('a transfer whose app is killed', () => {
  let world: S3World
  beforeEach(async () => {
    world = await openS3World()
  })
  afterEach(() => world.close())

  /** Runs it in another process and kills that without warning once so many bytes are done. */
  const killAfterBytes = async (transfer: Record<string, unknown>, bytes: number) => {
    const child = spawn(process.execPath, [script, JSON.stringify({ ...transfer, ...world.forProcess() })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exit = once(child, 'exit')
    for await (const line of createInterface({ input: child.stdout })) if (Number(line) >= bytes) break
    child.kill('SIGKILL')
    expect(await exit).toEqual([null, 'SIGKILL'])
  }

  it('an upload sends again at most one part per stream', async () => {
    const { path, content, sha256, key } = await world.source(totalBytes)
    await killAfterBytes({ direction: 'up', key, file: path, sha256 }, 6_000_000)
    await expect(world.read(key)).rejects.toMatchObject({ code: 'ENOENT' })
    await world.reopen().putFile(key, path, sha256)
    expect((await world.read(key)).equals(content)).toBe(true)
    expect(world.faults.traffic.received(bucket, key)).toBeLessThanOrEqual(totalBytes + sizes.streams * sizes.partBytes)
    expect(world.count('POST', /uploads/)).toBe(1)
  })

  it('a download fetches again at most one range per stream', async () => {
    const { content, path } = await world.source(totalBytes)
    const key = 'runs/a/adapter/part-0001'
    const target = join(world.root, 'target')
    await world.write(key, await readFile(path))
    await killAfterBytes({ direction: 'down', key, file: target }, 6_000_000)
    await expect(readFile(target)).rejects.toMatchObject({ code: 'ENOENT' })
    await world.reopen().getFile(key, target)
    expect((await readFile(target)).equals(content)).toBe(true)
    // What the kernel still held for the killed process was sent, but not fetched.
    const inFlightBytes = sizes.streams * sizes.rangeBytes
    expect(world.faults.traffic.sent(bucket, key)).toBeLessThanOrEqual(totalBytes + inFlightBytes)
  })
})
